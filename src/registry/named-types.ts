import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { resolve } from './schema-references.ts';
import { JSON_TYPES, type JsonType, type Shape } from './shape.ts';

/** The most alternatives whose types are read. */
const MAX_ARMS = 50;

/** Returns the shape of any value, with the types that the schema or its alternatives name. */
export function anyShape(schema: JsonObject, document: JsonObject): Shape {
  const named = namedTypes(schema);
  const alternatives = [...armTypes(schema, 'anyOf', document), ...armTypes(schema, 'oneOf', document)];
  const types = [
    ...named,
    // An alternative that names no type accepts any.
    ...(alternatives.every((arm) => arm.length > 0) ? alternatives.flat() : []),
    ...armTypes(schema, 'allOf', document).flat(),
  ];
  const isNamed = types.some((type) => type !== 'null');
  return { kind: 'any', types: isNamed ? [...new Set(types)] : undefined };
}

/** Returns the types that each alternative of a combination names. */
function armTypes(schema: JsonObject, key: string, document: JsonObject): JsonType[][] {
  const arms = schema[key];
  if (!Array.isArray(arms)) return [];
  return (arms as readonly Json[])
    .slice(0, MAX_ARMS)
    .map((arm) => (isJsonObject(arm) ? namedTypes(resolve(arm, document).schema) : []));
}

function namedTypes(schema: JsonObject): JsonType[] {
  const types = typesOf(schema);
  const implied = types.length === 0 ? [impliedType(schema)] : types;
  return JSON_TYPES.filter((type) => implied.includes(type));
}

/** Returns the distinct texts in `type`. */
export function typesOf(schema: JsonObject): string[] {
  const type = schema['type'];
  const types = Array.isArray(type) ? (type as readonly Json[]) : [type];
  return [...new Set(types.filter((item) => typeof item === 'string'))];
}

/** Returns the type of a schema without `type` that has `properties` or `items`. */
export function impliedType(schema: JsonObject): string | undefined {
  if (isJsonObject(schema['properties'])) return 'object';
  return isJsonObject(schema['items']) ? 'array' : undefined;
}

export function typeOfValue(value: Json): JsonType {
  if (value === null) return 'null';
  if (typeof value === 'object') return Array.isArray(value) ? 'array' : 'object';
  return typeof value === 'bigint' ? 'number' : (typeof value as 'string' | 'number' | 'boolean');
}
