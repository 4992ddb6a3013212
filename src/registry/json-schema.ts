import { writeJson } from '../model/well-formed.ts';
import {
  isJsonObject,
  type Json,
  type JsonNumber,
  type JsonObject,
  listOf,
  objectOf,
  textOf,
} from '../model/json.ts';
import { fitted } from './check.ts';
import { typesOf } from './named-types.ts';
import { expectation } from './problems.ts';
import { propertyNames } from './property-names.ts';
import { choiceShape, choicesOf } from './schema-choices.ts';
import { type Flat, flatten, type SchemaSource } from './schema-references.ts';
import { numberBounds, remarksOf } from './schema-remarks.ts';
import { alternativesOf } from './schema-variants.ts';
import type { Property, Shape, Value } from './shape.ts';
import { shapeOfTypes, unionOf } from './shape-union.ts';
import { cutAtWord, listed, MAX_DESCRIPTION, tidy, withSentences } from './text.ts';

/** Limits for reading a foreign schema. Beyond them, every value is accepted. */
const MAX_DEPTH = 6;
const MAX_SCHEMAS = 200;
const MAX_FLATTENED = 2000;
/** The largest schema to read, in values and in texts of 100 characters. References may repeat each part of it. */
const MAX_SIZE = 50_000;
/** The most text of one schema (descriptions, names, choices, defaults), in UTF-16 units. The rest is omitted. */
const MAX_TEXT = 32_768;
/** The longest text that is added to one description, and the longest one of an alternative, in characters. */
const MAX_REMARK = 600;
const MAX_ARM_TEXT = 120;

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

interface Reading extends SchemaSource {
  /** The number of subschemas that may still be read. */
  budget: number;
  /** The amount of text that may still be used. */
  text: number;
  /** The references that lead to the current schema. */
  readonly path: string[];
}

/** A value with its own description, and what neither this nor its shape expresses. */
interface ReadValue extends Value {
  readonly remark: string;
}

interface ReadShape {
  readonly shape: Shape;
  readonly remarks: readonly string[];
}

/** Returns whether the text fits the budget, and if so, subtracts it. */
function afford(reading: Reading, text: string): boolean {
  if (text.length > reading.text) return false;
  reading.text -= text.length;
  return true;
}

/**
 * Returns the JSON Schema of an MCP server's parameter as a value. Parts, references inside the document and
 * alternatives are merged. `remark` has in words what a shape does not express: the bridge may accept more than the
 * server, which checks again.
 */
export function valueOfJsonSchema(schema: JsonObject): ReadValue {
  if (isLarge(schema)) return { shape: shapeOfTypes(typesOf(schema)), remark: '' };
  const reading = { document: schema, left: MAX_FLATTENED, budget: MAX_SCHEMAS, text: MAX_TEXT, path: [] };
  return read(schema, 0, reading);
}

/** Returns a value whose description has everything in words. */
function readWhole(schema: Json | undefined, depth: number, reading: Reading): Value {
  const { shape, nullable, description = '', remark } = read(schema, depth, reading);
  // A default of null means that the value is optional.
  const isNullSaid =
    nullable === true && !isAny(shape) && !(isJsonObject(schema) && schema['default'] === null);
  const text = withSentences(description, isNullSaid ? `${remark} May be null.`.trim() : remark);
  const isAffordable = text !== '' && afford(reading, text);
  return { shape, nullable, description: isAffordable ? cutAtWord(text, MAX_DESCRIPTION) : undefined };
}

function read(schema: Json | undefined, depth: number, reading: Reading): ReadValue {
  if (!isJsonObject(schema)) {
    reading.budget -= 1;
    return { shape: { kind: 'any' }, remark: '' };
  }
  return readFlat(flatten(schema, reading), depth, reading);
}

function readFlat(flat: Flat, depth: number, reading: Reading): ReadValue {
  reading.budget -= 1;
  const { schema } = flat;
  const alternatives = alternativesOf(schema, reading);
  const arms = alternatives?.arms ?? [];
  const references = [flat, ...arms].flatMap((each) => each.references);
  const repeated = references.find((reference) => reading.path.includes(reference));
  const value = {
    nullable: flat.nullable || arms.some((arm) => arm.nullable),
    description: tidy(textOf(schema['description'])) || undefined,
  };
  const types = arms.length === 0 ? typesOf(schema) : arms.flatMap((arm) => typesOf(arm.schema));
  if (repeated !== undefined) {
    return {
      ...value,
      shape: shapeOfTypes(types),
      remark: `Same form as the enclosing ${nameOf(repeated)}.`,
    };
  }
  if (depth > MAX_DEPTH || reading.budget < 0) {
    return { ...value, shape: shapeOfTypes(types), remark: 'Not described in more detail.' };
  }
  reading.path.push(...references);
  const { shape, remarks } =
    arms.length === 0 ? shapeOf(schema, depth, reading) : armsShape(arms, depth, reading);
  if (references.length > 0) reading.path.splice(-references.length);
  const missing = flat.missing.map((reference) => `Type ${nameOf(reference)} (not described).`);
  const known = alternatives?.remark === undefined ? [] : [alternatives.remark];
  const all = [...missing, ...known, ...remarks];
  return { ...value, shape, remark: cutAtWord(tidy([...new Set(all)].join(' ')), MAX_REMARK) };
}

function nameOf(reference: string): string {
  return reference === '#' ? 'object' : cutAtWord(tidy(reference.split('/').at(-1)), 100);
}

/** Returns the shape of alternatives; those of one type become one. */
function armsShape(arms: readonly Flat[], depth: number, reading: Reading): ReadShape {
  const values = arms.map((arm) => readFlat({ ...arm, references: [] }, depth, reading));
  const remarks = values.flatMap(({ description = '', remark, shape }, index) => {
    const title = tidy(textOf(arms[index]?.schema['title']));
    const isConstant =
      (shape.kind === 'choice' || shape.kind === 'number-choice') && shape.values.length === 1;
    const [constant] = isConstant ? shape.values : [];
    const label = description || (constant === undefined ? '' : title);
    if (constant !== undefined && label !== '' && label !== String(constant)) {
      return [`${constant} = ${cutAtWord(label, MAX_ARM_TEXT)}.`];
    }
    return [withSentences(arms.length === 1 ? '' : cutAtWord(description, MAX_ARM_TEXT), remark)];
  });
  return { shape: unionOf(values.map(({ shape }) => shape)), remarks: remarks.filter((text) => text !== '') };
}

function shapeOf(schema: JsonObject, depth: number, reading: Reading): ReadShape {
  const choices = choicesOf(schema);
  if (choices !== undefined) {
    const { shape, remark } = choiceShape(choices, (text) => afford(reading, text));
    return { shape, remarks: remark === undefined ? [] : [remark] };
  }
  const types = typesOf(schema);
  const all = (types.length === 0 ? [undefined] : types).map((type) => {
    switch (type) {
      case 'integer':
      case 'number':
        return { shape: numberShape(schema, type === 'integer'), remarks: [] };
      case 'array':
        return arrayShape(schema, depth, reading);
      case 'object':
        return objectShape(schema, depth, reading);
      default:
        return { shape: shapeOfTypes(type === undefined ? [] : [type]), remarks: [] };
    }
  });
  const remarks = [...all.flatMap((each) => each.remarks), ...remarksOf(schema)];
  return { shape: unionOf(all.map(({ shape }) => shape)), remarks };
}

function arrayShape(schema: JsonObject, depth: number, reading: Reading): ReadShape {
  const { items, prefixItems } = schema;
  const tuple = Array.isArray(prefixItems) ? prefixItems : items;
  if (!Array.isArray(tuple))
    return { shape: { kind: 'array', items: readWhole(items, depth + 1, reading) }, remarks: [] };
  const more = [schema['additionalItems'], tuple === items ? undefined : items].filter(isJsonObject);
  const read = [...(tuple as readonly Json[]), ...more].map((item) => readWhole(item, depth + 1, reading));
  const places = read.slice(0, tuple.length).map(({ shape, description }) => {
    return description === undefined ? expectation(shape) : `${expectation(shape)} (${description})`;
  });
  const item = {
    shape: unionOf(read.map(({ shape }) => shape)),
    nullable: read.some(({ nullable }) => nullable),
  };
  const remarks = places.length === 0 ? [] : [`Items in this order: ${listed(places, 300)}.`];
  return { shape: { kind: 'array', items: item }, remarks };
}

function numberShape(schema: JsonObject, integer: boolean): Shape {
  const { minimum, maximum, above, below } = numberBounds(schema);
  const whole = (
    value: JsonNumber | undefined,
    round: (value: number) => number,
    step: 0 | 1 | -1,
  ): JsonNumber[] => {
    if (value === undefined) return [];
    if (typeof value === 'bigint') return [integer ? value + BigInt(step) : value];
    return [integer ? round(value) + step : value];
  };
  const lows = [...whole(minimum, Math.ceil, 0), ...whole(above, Math.floor, 1)];
  const highs = [...whole(maximum, Math.floor, 0), ...whole(below, Math.ceil, -1)];
  // The two kinds of numbers compare as expected.
  const min = lows.length === 0 ? undefined : lows.reduce((most, low) => (low > most ? low : most));
  const max = highs.length === 0 ? undefined : highs.reduce((least, high) => (high < least ? high : least));
  if (min !== undefined && max !== undefined && min > max) return { kind: 'number', integer };
  return { kind: 'number', integer, min, max };
}

function objectShape(schema: JsonObject, depth: number, reading: Reading): ReadShape {
  // The schema `false` forbids a member.
  const members = Object.entries(objectOf(schema['properties'])).filter(([, member]) => member !== false);
  const required = new Set(listOf(schema['required']));
  const properties: Property[] = [];
  const unnamed: string[] = [];
  const names = propertyNames(members.slice(0, MAX_SCHEMAS).map(([name]) => name));
  for (const [key, member] of members) {
    const name = names.get(key);
    if (name !== undefined && reading.budget > 0 && afford(reading, name)) {
      const value = readWhole(member, depth + 1, reading);
      const alias = name === key ? undefined : key;
      properties.push({ ...property(name, required.has(key), value, member, reading), alias });
    } else {
      unnamed.push(key);
    }
  }
  const { additionalProperties: free } = schema;
  const other = othersOf(schema, depth, reading);
  const open = free !== false || other !== undefined || unnamed.length > 0;
  const remarks = unnamed.length === 0 ? [] : [`Also accepts ${listed(unnamed, 300)}.`];
  if (other !== undefined) remarks.push(othersRemark(schema, other, properties.length > 0));
  // An open object accepts more than its patterns describe. The remark has the description of the members, which some
  // frameworks drop with the schema.
  const isDescribed = other !== undefined && free !== undefined && free !== true;
  const others = isDescribed ? { shape: other.shape, nullable: other.nullable } : undefined;
  return { shape: { kind: 'object', properties, open, others }, remarks };
}

/** Returns the value of members that have no name in the schema; undefined if they are not described. */
function othersOf(schema: JsonObject, depth: number, reading: Reading): Value | undefined {
  const { additionalProperties: free, patternProperties: patterns } = schema;
  const schemas = [...Object.values(objectOf(patterns)), free].filter(isJsonObject);
  const values = schemas.map((each) => readWhole(each, depth + 1, reading));
  const shape = unionOf(values.map((value) => value.shape));
  const [only] = values;
  if (only === undefined || isAny(shape)) return undefined;
  return values.length === 1 ? only : { shape };
}

function othersRemark(schema: JsonObject, { shape, description }: Value, hasMembers: boolean): string {
  const { patternProperties: patterns, propertyNames: keys } = schema;
  const named = isJsonObject(keys) && typeof keys['pattern'] === 'string' ? [keys['pattern']] : [];
  const allowed = [...Object.keys(objectOf(patterns)), ...named];
  const subject = hasMembers ? 'Other keys' : 'Keys';
  const which = allowed.length === 0 ? ' are free;' : ` that match \`${listed(allowed, 100)}\`:`;
  const text = description === undefined ? '' : ` (${cutAtWord(description.replace(/\.$/, ''), 100)})`;
  return `${subject}${which} each value is ${expectation(shape)}${text}.`;
}

/** Returns whether a shape accepts every value. */
function isAny(shape: Shape): boolean {
  return shape.kind === 'any' && shape.alternatives === undefined;
}

function property(
  name: string,
  required: boolean,
  { shape, nullable, description }: Value,
  schema: Json | undefined,
  reading: Reading,
): Property {
  // A value of any type may also be null.
  const value = { shape, nullable: nullable === true || isAny(shape) };
  const declared = objectOf(schema)['default'] ?? undefined;
  const fitting = declared === undefined ? undefined : fitted(value, declared);
  const isAffordable = fitting !== undefined && afford(reading, writeJson(fitting));
  return { name, ...value, required, description, default: isAffordable ? fitting : undefined };
}
