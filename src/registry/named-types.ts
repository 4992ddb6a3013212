import type { Json, JsonObject } from '../model/json.ts';
import { JSON_TYPES, type JsonType } from './shape.ts';

/** Other names of types in declarations of tools. */
const TYPE_NAMES: Readonly<Record<string, JsonType | undefined>> = {
  ...Object.fromEntries(JSON_TYPES.map((type) => [type, type])),
  int: 'integer',
  float: 'number',
  double: 'number',
  bool: 'boolean',
  str: 'string',
  list: 'array',
  dict: 'object',
};

/** The keywords that imply a type. */
const IMPLIED: readonly (readonly [JsonType, readonly string[]])[] = [
  ['object', ['properties', 'additionalProperties', 'patternProperties', 'required']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems']],
  ['string', ['pattern', 'minLength', 'maxLength', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
];

/** Returns the distinct types in `type`, in any case, without null; those that the keywords imply if there is no `type`. */
export function typesOf(schema: JsonObject): JsonType[] {
  const { type } = schema;
  if (type !== undefined) {
    const named = (Array.isArray(type) ? type : [type]) as readonly Json[];
    const types = named.map((name) =>
      typeof name === 'string' ? TYPE_NAMES[name.toLowerCase()] : undefined,
    );
    return [...new Set(types.filter((each) => each !== undefined))];
  }
  const implied = IMPLIED.find(([, keywords]) => keywords.some((keyword) => schema[keyword] !== undefined));
  return implied === undefined ? [] : [implied[0]];
}

/** Returns whether the schema itself says that null is accepted. */
export function acceptsNull({ type, nullable, enum: choices, const: constant }: JsonObject): boolean {
  const isNullName = (name: unknown): boolean => typeof name === 'string' && name.toLowerCase() === 'null';
  if (nullable === true || constant === null || isNullName(type)) return true;
  if (Array.isArray(type) && type.some(isNullName)) return true;
  return Array.isArray(choices) && choices.includes(null);
}

export function typeOfValue(value: Json): JsonType | undefined {
  if (value === null) return undefined;
  if (typeof value === 'object') return Array.isArray(value) ? 'array' : 'object';
  if (typeof value === 'bigint') return 'integer';
  return Number.isInteger(value) ? 'integer' : (typeof value as 'string' | 'number' | 'boolean');
}
