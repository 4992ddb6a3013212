import { writeJson } from '../model/well-formed.ts';
import { isJsonObject, isNumber, type Json, type JsonNumber, type JsonObject } from '../model/json.ts';
import { fitted } from './check.ts';
import { anyShape, impliedType, typeOfValue, typesOf } from './named-types.ts';
import { resolve } from './schema-references.ts';
import { propertyNames } from './property-names.ts';
import { type Property, type Shape, type Value } from './shape.ts';
import { cutText, listed, MAX_DESCRIPTION, tidy, withRemark } from './text.ts';

/** Limits for reading a foreign schema. Beyond them, every value is accepted. */
const MAX_DEPTH = 6;
const MAX_SCHEMAS = 200;
const MAX_CHOICES = 250;
/** The largest schema to read, in values and in texts of 100 characters. References may repeat each part of it. */
const MAX_SIZE = 50_000;
/** The most text of one schema (descriptions, names, choices, defaults), in UTF-16 units. The rest is omitted. */
const MAX_TEXT = 32_768;

/** Returns whether a schema exceeds MAX_SIZE; looks at no more of it than that. */
function isLarge(schema: JsonObject): boolean {
  const open: Json[] = [schema];
  let size = 0;
  for (let next = open.pop(); next !== undefined && size <= MAX_SIZE; next = open.pop()) {
    size += typeof next === 'string' ? 1 + next.length / 100 : 1;
    if (typeof next !== 'object' || next === null) continue;
    for (const key of Object.keys(next)) {
      size += 1 + key.length / 100;
      open.push((next as JsonObject)[key] ?? null);
      if (size > MAX_SIZE) break;
    }
  }
  return size > MAX_SIZE;
}

interface Reading {
  readonly document: JsonObject;
  /** The number of subschemas that may still be read. */
  budget: number;
  /** The amount of text that may still be used. */
  text: number;
}

/** Returns whether the text fits the budget, and if so, subtracts it. */
function afford(reading: Reading, text: string): boolean {
  if (text.length > reading.text) return false;
  reading.text -= text.length;
  return true;
}

/**
 * Returns the JSON Schema of an MCP server's parameter as a value. Supports `type` (also null with another type),
 * `properties`, `required`, `additionalProperties: false`, `items`, `enum`, `const`, bounds of numbers, `description`,
 * `default`, references inside the document and the types of alternatives. Ignores everything else: the bridge may then
 * accept more than the server, which checks again.
 */
export function valueOfJsonSchema(schema: JsonObject): Value {
  if (isLarge(schema)) return { shape: anyShape(schema, {}) };
  return read(schema, 0, { document: schema, budget: MAX_SCHEMAS, text: MAX_TEXT });
}

function read(schema: Json | undefined, depth: number, reading: Reading): Value {
  reading.budget -= 1;
  if (!isJsonObject(schema)) return { shape: { kind: 'any' } };
  const resolved = resolve(schema, reading.document);
  if (depth > MAX_DEPTH || reading.budget < 0) return { shape: anyShape(resolved.schema, reading.document) };
  const types = typesOf(resolved.schema);
  const nullable =
    resolved.nullable || types.includes('null') || choicesOf(resolved.schema)?.includes(null) === true;
  const named = types.filter((type) => type !== 'null');
  const { shape, remark } = shapeOf(resolved.schema, named, depth, reading);
  const own = resolved.schema['description'];
  const text = withRemark(tidy(typeof own === 'string' ? own : ''), remark ?? '', ' ');
  return { shape, nullable, description: text !== '' && afford(reading, text) ? text : undefined };
}

interface ShapeReading {
  readonly shape: Shape;
  /** What the shape does not express. */
  readonly remark?: string | undefined;
}

function shapeOf(
  schema: JsonObject,
  types: readonly string[],
  depth: number,
  reading: Reading,
): ShapeReading {
  const choices = choicesOf(schema);
  if (choices !== undefined) return choiceShape(choices, reading);
  if (types.length > 1) return { shape: anyShape(schema, reading.document) };
  switch (types[0] ?? impliedType(schema)) {
    case 'string':
      return { shape: { kind: 'string' } };
    case 'boolean':
      return { shape: { kind: 'boolean' } };
    case 'integer':
      return { shape: numberShape(schema, true) };
    case 'number':
      return { shape: numberShape(schema, false) };
    case 'array':
      return { shape: { kind: 'array', items: itemsOf(schema, depth, reading) } };
    case 'object':
      return objectShape(schema, depth, reading);
    default:
      return { shape: anyShape(schema, reading.document) };
  }
}

function itemsOf(schema: JsonObject, depth: number, reading: Reading): Value {
  const items = schema['items'] ?? schema['prefixItems'];
  // For a tuple, the shape says only which types its items have.
  return Array.isArray(items)
    ? { shape: anyShape({ anyOf: items }, reading.document) }
    : read(items, depth + 1, reading);
}

function choicesOf(schema: JsonObject): Json[] | undefined {
  if (schema['const'] !== undefined) return [schema['const']];
  return Array.isArray(schema['enum']) ? [...new Set(schema['enum'] as readonly Json[])] : undefined;
}

function choiceShape(choices: readonly Json[], reading: Reading): ShapeReading {
  // A number that is too large for a double (1e999) cannot be written as JSON again.
  const values = choices.filter(
    (choice) => choice !== null && choice !== '' && !(typeof choice === 'number' && !Number.isFinite(choice)),
  );
  const texts = values.filter((value) => typeof value === 'string');
  const numbers = values.filter(isNumber);
  const isShort = values.length > 0 && values.length <= MAX_CHOICES;
  const few = isShort && afford(reading, writeJson([...texts, ...numbers]));
  if (few && texts.length === values.length) return { shape: { kind: 'choice', values: texts } };
  if (few && numbers.length === values.length) return { shape: { kind: 'number-choice', values: numbers } };
  const shown = values.map((value) => writeJson(value));
  const remark = shown.length === 0 ? undefined : `One of ${listed(shown, 400)}.`;
  if (texts.length === values.length && texts.length > 0) return { shape: { kind: 'string' }, remark };
  const types = values.length === 0 ? undefined : [...new Set(values.map(typeOfValue))];
  return { shape: { kind: 'any', types }, remark };
}

function numberShape(schema: JsonObject, integer: boolean): Shape {
  const above = schema['exclusiveMinimum'];
  const below = schema['exclusiveMaximum'];
  const min = bound(schema['minimum']) ?? (integer ? nextWhole(above, 1) : bound(above));
  const max = bound(schema['maximum']) ?? (integer ? nextWhole(below, -1) : bound(below));
  if (min !== undefined && max !== undefined && min > max) return { kind: 'number', integer };
  return { kind: 'number', integer, min, max };
}

function bound(value: Json | undefined): JsonNumber | undefined {
  return typeof value === 'bigint' || Number.isFinite(value) ? (value as JsonNumber) : undefined;
}

/** Returns the first whole number beyond an exclusive bound. */
function nextWhole(value: Json | undefined, step: 1 | -1): JsonNumber | undefined {
  const number = bound(value);
  if (number === undefined) return undefined;
  if (typeof number === 'bigint') return number + BigInt(step);
  return step === 1 ? Math.floor(number) + 1 : Math.ceil(number) - 1;
}

function objectShape(schema: JsonObject, depth: number, reading: Reading): ShapeReading {
  const members = isJsonObject(schema['properties']) ? Object.entries(schema['properties']) : [];
  const required = new Set(Array.isArray(schema['required']) ? (schema['required'] as readonly Json[]) : []);
  const properties: Property[] = [];
  const unnamed: string[] = [];
  const names = propertyNames(members.slice(0, MAX_SCHEMAS).map(([name]) => name));
  for (const [key, member] of members) {
    const name = names.get(key);
    if (name !== undefined && reading.budget > 0 && afford(reading, name)) {
      const value = read(member, depth + 1, reading);
      const alias = name === key ? undefined : key;
      properties.push({ ...property(name, required.has(key), value, member, reading), alias });
    } else {
      unnamed.push(key);
    }
  }
  const open = schema['additionalProperties'] !== false || unnamed.length > 0;
  const shape: Shape = { kind: 'object', properties, open };
  return unnamed.length === 0 ? { shape } : { shape, remark: `Also accepts ${listed(unnamed, 300)}.` };
}

function property(
  name: string,
  required: boolean,
  value: Value,
  schema: Json | undefined,
  reading: Reading,
): Property {
  // A value of any type may also be null.
  const nullable = value.nullable === true || value.shape.kind === 'any';
  const declared = (isJsonObject(schema) ? schema['default'] : undefined) ?? undefined;
  const fitting = declared === undefined ? undefined : fitted(value, declared);
  const isAffordable = fitting !== undefined && afford(reading, writeJson(fitting));
  const description = value.description && cutText(value.description, MAX_DESCRIPTION);
  const { shape } = value;
  return { name, shape, required, nullable, description, default: isAffordable ? fitting : undefined };
}
