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
  /**
   * Accepts every value. The alternatives, at most one for each JSON type, are published, because every published value
   * has a type, and a value of such a type is checked against its alternative.
   */
  | { readonly kind: 'any'; readonly alternatives?: readonly Shape[] | undefined }
  | { readonly kind: 'file'; readonly sources: readonly FileSource[] }
  | { readonly kind: 'array'; readonly items: Value }
  | ObjectShape;

export interface ObjectShape {
  readonly kind: 'object';
  readonly properties: readonly Property[];
  /** Whether other members are accepted. */
  readonly open: boolean;
  /** What the other members are, if the declaration says so. */
  readonly others?: Value | undefined;
}

/** The types of published values, in this order. Text is last: frameworks that support one alternative take the last. */
export const JSON_TYPES = ['boolean', 'integer', 'number', 'object', 'array', 'string'] as const;
export type JsonType = (typeof JSON_TYPES)[number];

/** Returns the JSON type of a shape's values; undefined for values of any type. */
export function typeOfShape(shape: Shape): JsonType | undefined {
  switch (shape.kind) {
    case 'any':
      return undefined;
    case 'choice':
      return 'string';
    case 'number-choice':
      return shape.values.every(Number.isInteger) ? 'integer' : 'number';
    case 'number':
      return shape.integer ? 'integer' : 'number';
    case 'file':
      return 'object';
    default:
      return shape.kind;
  }
}

/** A shape with its description. */
export interface Value {
  readonly shape: Shape;
  /** Whether null is an accepted value, which the schema does not say. Never set at the top level, where null means absent. */
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
