import type { Json, JsonNumber } from '../model/json.ts';
import type { FileSource } from '../model/registry.ts';

/** The values that a parameter accepts: the part of JSON Schema that every model provider supports. */
export type Shape =
  | { readonly kind: 'string' }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  | { readonly kind: 'number-choice'; readonly values: readonly JsonNumber[] }
  | {
      readonly kind: 'number';
      readonly integer: boolean;
      readonly min?: JsonNumber | undefined;
      readonly max?: JsonNumber | undefined;
    }
  | { readonly kind: 'boolean' }
  /** Accepts every value. The types that the declaration names are published: every published value has a type. */
  | { readonly kind: 'any'; readonly types?: readonly JsonType[] | undefined }
  | { readonly kind: 'file'; readonly sources: readonly FileSource[] }
  | { readonly kind: 'array'; readonly items: Value }
  | ObjectShape;

export interface ObjectShape {
  readonly kind: 'object';
  readonly properties: readonly Property[];
  readonly open: boolean;
}

/** The types of JSON Schema in the order in which they are published. Text is last, because any value can be one. */
export const JSON_TYPES = ['boolean', 'integer', 'number', 'object', 'array', 'null', 'string'] as const;
export type JsonType = (typeof JSON_TYPES)[number];

/** A shape with its description. */
export interface Value {
  readonly shape: Shape;
  /** Whether null is an accepted value. Never set at the top level, where null means absent. */
  readonly nullable?: boolean | undefined;
  readonly description?: string | undefined;
}

export interface Property extends Value {
  readonly name: string;
  readonly required: boolean;
  /** Matches the shape. A property with a default is never required. */
  readonly default?: Json | undefined;
  /** Dify's own name if it differs. Callers may use it too. */
  readonly alias?: string | undefined;
}

/** Longest name of a property that every model provider accepts. */
export const MAX_PROPERTY_NAME = 64;
