import { zodToJsonSchema } from 'zod-to-json-schema';
import type { JsonObject } from '../model/json.ts';
import type { ArgumentSchema } from './argument-schema.ts';

/**
 * The definition as JSON Schema 2020-12, without `$schema` and `$ref`, frozen. What coercion adds is not
 * published: the schema names the values as they should be sent.
 */
export function publishSchema(schema: ArgumentSchema): JsonObject {
  const { $schema: _, ...published } = zodToJsonSchema(schema, {
    $refStrategy: 'none',
    effectStrategy: 'input',
    // An open object is open by not saying otherwise: some model providers refuse the keyword's true.
    allowedAdditionalProperties: undefined,
  });
  // By way of text: no undefined members, and nothing shared with the declarations.
  return deepFreeze(JSON.parse(JSON.stringify(published)) as JsonObject);
}

/** Freezes a JSON value with everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
