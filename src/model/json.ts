/** Any value that JSON can carry. A bigint is an integer that a double cannot hold: see `exact-json.ts`. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | JsonObject;

export type JsonNumber = number | bigint;

/** A JSON object; keys may be absent. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export function isNumber(value: unknown): value is JsonNumber {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Whether a value is a plain JSON object: not null and not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const EMPTY: JsonObject = {};

/** Returns a value that is a JSON object, otherwise an empty one. */
export function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : EMPTY;
}

/** Returns a value that is an array, otherwise an empty one. */
export function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** Returns a value that is a non-empty string, otherwise undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Makes members that may be undefined optional instead. */
type WithoutUndefined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** Returns the object without its undefined members, for formats that have no undefined. */
export function withoutUndefined<T extends object>(object: T): WithoutUndefined<T> {
  const members: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) if (value !== undefined) members[name] = value;
  return members as WithoutUndefined<T>;
}
