import { hasBigint } from '../model/exact-json.ts';
import { writeJson } from '../model/well-formed.ts';
import { hasInvisible, withoutInvisible } from '../model/invisible-characters.ts';
import { isJsonObject, type Json, type JsonNumber, type JsonObject } from '../model/json.ts';
import type { FileSource } from '../model/registry.ts';
import { fileMembers, MEMBER_DESCRIPTIONS } from './file-problems.ts';
import { JSON_TYPES, type JsonType, type Property, type Shape, type Value } from './shape.ts';
import { listed, withRemark } from './text.ts';

/** The longest list of choices in a description, in characters. */
const MAX_LISTED = 400;

type Draft = Record<string, Json>;

/** The types published for a value of any type. */
const ANYTHING: readonly JsonType[] = ['boolean', 'number', 'object', 'array', 'null', 'string'];
/** The types published for the items of a list that does not declare them. */
const SCALARS: readonly JsonType[] = ['boolean', 'number', 'string'];

/**
 * Returns the value as JSON Schema 2020-12, without `$schema` and `$ref`, frozen. The schema describes the preferred
 * form of values; coercion accepts more. Every value has a type, or alternatives that have one, and no object is
 * closed: otherwise the converters of model providers refuse the whole list of tools.
 */
export function publishSchema(value: Value): JsonObject {
  return deepFreeze(schemaOf(value, ANYTHING));
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}

/** Returns the schema of a value. `untyped` are the types published for a value of any type. */
function schemaOf(value: Value & Pick<Property, 'default'>, untyped: readonly JsonType[]): Draft {
  const { shape, nullable, description, default: fallback } = value;
  const schema = shapeSchema(shape, untyped);
  // Any value has null among its own. A list of types would mean the same, but not every converter supports it.
  const isNullable = nullable === true && shape.kind !== 'any';
  const written: Draft = isNullable ? { anyOf: [schema, { type: 'null' }] } : schema;
  // A default that no alternative allows is sent to Dify but not published.
  if (fallback !== undefined && isPublished(value, fallback, untyped)) {
    // Copies, because the schema is frozen but the declaration is not.
    written['default'] = structuredClone(fallback);
  }
  const remarks = [shape.kind === 'number-choice' ? choices(shape.values) : '', ...largeNumbers(value)];
  const text = remarks.reduce<string | undefined>(withSentence, description);
  if (text !== undefined) written['description'] = withoutInvisible(text);
  return written;
}

function choices(values: readonly JsonNumber[]): string {
  return `One of ${listed(values.map(String), MAX_LISTED)}.`;
}

/** Returns sentences for numbers beyond 2^53. In the schema, JavaScript clients would read others. */
function largeNumbers({ shape, default: fallback }: Value & Pick<Property, 'default'>): string[] {
  const { min, max } = shape.kind === 'number' ? shape : {};
  return [
    typeof min === 'bigint' ? `At least ${min}.` : '',
    typeof max === 'bigint' ? `At most ${max}.` : '',
    fallback !== undefined && hasBigint(fallback) ? `Default: ${writeJson(fallback)}.` : '',
  ];
}

function withSentence(description: string | undefined, sentence: string): string | undefined {
  if (sentence === '') return description;
  return withRemark(description ?? '', sentence, description?.endsWith('.') === true ? ' ' : '. ');
}

function shapeSchema(shape: Shape, untyped: readonly JsonType[]): Draft {
  switch (shape.kind) {
    case 'string':
    case 'boolean':
      return { type: shape.kind };
    case 'choice':
      return { type: 'string', enum: [...new Set(shape.values.map(withoutInvisible))] };
    case 'number-choice':
      return numberSchema(boundsOf(shape.values));
    case 'number':
      return numberSchema(shape);
    case 'any':
      return alternatives(shape.types ?? untyped);
    case 'file':
      return fileSchema(shape.sources);
    case 'array':
      return { type: 'array', items: schemaOf(shape.items, SCALARS) };
    default:
      return objectSchema(shape);
  }
}

function alternatives(types: readonly JsonType[]): Draft {
  const arms = JSON_TYPES.filter((type) => types.includes(type)).map((type): Draft => {
    if (type === 'object') return { type, properties: {} };
    return type === 'array' ? { type, items: alternatives(itemTypes(types)) } : { type };
  });
  const [only] = arms;
  return arms.length === 1 && only !== undefined ? only : { anyOf: arms };
}

/** Returns the item types of a list that is one alternative among these types. */
function itemTypes(types: readonly JsonType[]): readonly JsonType[] {
  return types.includes('object') ? [...SCALARS, 'object'] : SCALARS;
}

/**
 * Returns the schema of a choice of numbers. The description has the choices: model providers accept only text enums.
 */
function boundsOf(values: readonly JsonNumber[]): NumberBounds {
  const small = values.filter((value) => typeof value === 'number');
  const integer = small.every(Number.isInteger);
  if (small.length < values.length) return { integer };
  return { integer, min: Math.min(...small), max: Math.max(...small) };
}

type NumberBounds = Omit<Extract<Shape, { kind: 'number' }>, 'kind'>;

function numberSchema({ integer, min, max }: NumberBounds): Draft {
  const schema: Draft = { type: integer ? 'integer' : 'number' };
  if (typeof min === 'number') schema['minimum'] = min;
  if (typeof max === 'number') schema['maximum'] = max;
  return schema;
}

/** Returns the schema of a file, with optional members: some model providers refuse alternatives of objects. */
function fileSchema(sources: readonly FileSource[]): Draft {
  const properties: Draft = {};
  for (const name of fileMembers(sources)) {
    properties[name] = { type: 'string', description: MEMBER_DESCRIPTIONS[name] };
  }
  return { type: 'object', properties };
}

function objectSchema({ properties }: Extract<Shape, { kind: 'object' }>): Draft {
  const members: Draft = {};
  const demanded: string[] = [];
  for (const property of properties) {
    members[property.name] = schemaOf(property, ANYTHING);
    if (property.required && property.default === undefined) demanded.push(property.name);
  }
  const schema: Draft = { type: 'object', properties: members };
  if (demanded.length > 0) schema['required'] = demanded;
  return schema;
}

/** Returns whether the schema allows a value of the shape. For values of any type, it allows only the common ones. */
function isPublished({ shape, nullable }: Value, value: Json, untyped: readonly JsonType[]): boolean {
  if (hasBigint(value) || hasInvisible(value)) return false;
  if (value === null && shape.kind !== 'any') return nullable === true;
  switch (shape.kind) {
    case 'any':
      return isOneOf(value, shape.types ?? untyped);
    case 'array':
      return Array.isArray(value) && value.every((item: Json) => isPublished(shape.items, item, SCALARS));
    case 'object':
      return shape.properties.every((property) => {
        const member = isJsonObject(value) ? value[property.name] : undefined;
        return member === undefined || isPublished(property, member, ANYTHING);
      });
    default:
      return true;
  }
}

function isOneOf(value: Json, types: readonly JsonType[]): boolean {
  return types.some((type) => {
    switch (type) {
      case 'array':
        return Array.isArray(value) && value.every((item: Json) => isOneOf(item, itemTypes(types)));
      case 'object':
        return isJsonObject(value);
      case 'integer':
        return Number.isInteger(value);
      case 'null':
        return value === null;
      default:
        return typeof value === type;
    }
  });
}
