import type { Json } from '../model/json.ts';
import type { FileSource } from '../model/registry.ts';

/** What values a parameter takes: the little that every model provider understands of JSON Schema. */
export type Shape =
  | { readonly kind: 'string' }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'number-choice'; readonly values: readonly number[] }
  | {
      readonly kind: 'number';
      readonly integer: boolean;
      readonly min?: number | undefined;
      readonly max?: number | undefined;
    }
  | { readonly kind: 'boolean' }
  /** Takes every value. Published are the types that the declaration names: every published value has a type. */
  | { readonly kind: 'any'; readonly types?: readonly JsonType[] | undefined }
  | { readonly kind: 'file'; readonly sources: readonly FileSource[] }
  | { readonly kind: 'array'; readonly items: Value }
  | { readonly kind: 'object'; readonly properties: readonly Property[]; readonly open: boolean };

/** The types of JSON Schema in the order in which they are published: a text last, since anything can be taken for one. */
export const JSON_TYPES = ['boolean', 'integer', 'number', 'object', 'array', 'null', 'string'] as const;
export type JsonType = (typeof JSON_TYPES)[number];

/** A shape with what is said about it. */
export interface Value {
  readonly shape: Shape;
  /** True where null is a value of its own; never at the top level, where null means absent. */
  readonly nullable?: boolean | undefined;
  readonly description?: string | undefined;
}

export interface Property extends Value {
  readonly name: string;
  readonly required: boolean;
  /** Fits the shape; a property that has one is never demanded. */
  readonly default?: Json | undefined;
}

/** Names that every model provider takes for a property. */
const PROPERTY_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

export function isPropertyName(name: string): boolean {
  // Assigning to this one sets the prototype of an object instead of a property.
  return PROPERTY_NAME.test(name) && name !== '__proto__';
}
