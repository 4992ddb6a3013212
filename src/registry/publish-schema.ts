import { getRefs, parseDef } from 'zod-to-json-schema';
import type { JsonObject } from '../model/json.ts';
import type { ArgumentSchema } from './argument-schema.ts';

/**
 * How schemas are published. Made once: `zodToJsonSchema` makes it anew for each schema, and what V8 keeps of that
 * until it tidies up is 14 MB for 5,000 tools.
 */
const refs = getRefs({
  $refStrategy: 'none',
  effectStrategy: 'input',
  // An open object is open by not saying otherwise: some model providers refuse the keyword's true.
  allowedAdditionalProperties: undefined,
});

/**
 * The definition as JSON Schema 2020-12, without `$schema` and `$ref`, frozen. What coercion adds is not
 * published: the schema names the values as they should be sent.
 */
export function publishSchema(schema: ArgumentSchema): JsonObject {
  const published = parseDef(schema._def, { ...refs, seen: new Map() }) ?? {};
  // By way of text: no undefined members, and nothing shared with the declarations.
  return deepFreeze(JSON.parse(JSON.stringify(published)) as JsonObject);
}

/** Freezes a JSON value with everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
