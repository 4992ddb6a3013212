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
  | AnyShape
  | { readonly kind: 'file'; readonly sources: readonly FileSource[] }
  | { readonly kind: 'array'; readonly items: Value }
  | ObjectShape;

export interface ObjectShape {
  readonly kind: 'object';
  readonly properties: readonly Property[];
  readonly open: boolean;
}

/** Takes every value. Published are the types that the declaration names, since every published value has a type. */
export interface AnyShape {
  readonly kind: 'any';
  readonly types?: readonly JsonType[] | undefined;
}

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

/** A member of an object. */
export interface Property extends Value {
  readonly name: string;
  readonly required: boolean;
  /** Fits the shape; a property that has one is never demanded. */
  readonly default?: Json | undefined;
  /** Dify's own name, if that is another: callers may use it as well. */
  readonly alias?: string | undefined;
}

/** Longest name of a property that every model provider accepts. */
export const MAX_PROPERTY_NAME = 64;
