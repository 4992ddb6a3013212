import { hasBigint } from '../model/exact-json.ts';
import { writeJson } from '../model/well-formed.ts';
import { hasInvisible, withoutInvisible } from '../model/invisible-characters.ts';
import { isJsonObject, type Json, type JsonNumber, type JsonObject } from '../model/json.ts';
import type { FileSource } from '../model/registry.ts';
import { fitted } from './check.ts';
import { fileMembers, MEMBER_DESCRIPTIONS } from './file-problems.ts';
import { JSON_TYPES, type ObjectShape, type Property, type Shape, typeOfShape, type Value } from './shape.ts';
import { choicesText, withSentences } from './text.ts';

type Draft = Record<string, Json>;

const SCALARS: readonly Shape[] = [
  { kind: 'boolean' },
  { kind: 'number', integer: false },
  { kind: 'string' },
];
const OBJECT: Shape = { kind: 'object', properties: [], open: true };
const LIST: Shape = { kind: 'array', items: { shape: { kind: 'any', alternatives: [...SCALARS, OBJECT] } } };
/** What is published for a value of any type. */
const ANYTHING: readonly Shape[] = [...SCALARS, OBJECT, LIST];

/**
 * Returns the value as JSON Schema 2020-12, without `$schema` and `$ref`, frozen. The schema describes the preferred
 * form of values; coercion accepts more. Every value has a type, or alternatives that have one, null is not among them,
 * and no object is closed: otherwise the converters of model providers refuse the whole list of tools.
 */
export function publishSchema(value: Value): JsonObject {
  const schema = schemaOf(value, ANYTHING);
  // At the root, OpenAI demands it.
  if (schema['type'] === 'object') schema['properties'] ??= {};
  return deepFreeze(schema);
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}

/** Returns the schema of a value. `untyped` is what is published for a value of any type. */
function schemaOf(value: Value & Pick<Property, 'default'>, untyped: readonly Shape[]): Draft {
  const { shape, description, default: fallback } = value;
  const schema = shapeSchema(shape, untyped);
  // A default that no alternative allows is sent to Dify but not published.
  if (fallback !== undefined && isPublished(shape, fallback, untyped)) {
    // Copies, because the schema is frozen but the declaration is not.
    schema['default'] = structuredClone(fallback);
  }
  const remarks = [
    shape.kind === 'number-choice' ? choicesText(shape.values.map(String)) : '',
    ...largeNumbers(value),
  ];
  const text = remarks.filter((remark) => remark !== '').reduce(withSentences, description ?? '');
  if (text !== '') schema['description'] = withoutInvisible(text);
  return schema;
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

function shapeSchema(shape: Shape, untyped: readonly Shape[]): Draft {
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
      return { anyOf: armsOf(shape, untyped).map(armSchema) };
    case 'file':
      return fileSchema(shape.sources);
    case 'array':
      return { type: 'array', items: schemaOf(shape.items, SCALARS) };
    default:
      return objectSchema(shape);
  }
}

/** Returns the alternatives of a value of any type in the order in which they are published. */
function armsOf(shape: Extract<Shape, { kind: 'any' }>, untyped: readonly Shape[]): readonly Shape[] {
  const place = (arm: Shape): number => JSON_TYPES.indexOf(typeOfShape(arm) ?? 'string');
  return [...(shape.alternatives ?? untyped)].sort((a, b) => place(a) - place(b));
}

function armSchema(shape: Shape): Draft {
  return isFree(shape) ? { type: 'object' } : shapeSchema(shape, SCALARS);
}

/** Returns whether a shape is an object without known members. */
function isFree(shape: Shape): boolean {
  return shape.kind === 'object' && shape.open && shape.others === undefined && shape.properties.length === 0;
}

/** Returns the bounds of a choice of numbers. The description has the choices: providers accept only text enums. */
function boundsOf(values: readonly JsonNumber[]): NumberBounds {
  const small = values.filter((value) => typeof value === 'number');
  const integer = small.every(Number.isInteger);
  if (small.length < values.length) return { integer };
  return { integer, min: Math.min(...small), max: Math.max(...small) };
}

type NumberBounds = Omit<Extract<Shape, { kind: 'number' }>, 'kind'>;

/** Returns whether a bound is exact: some frameworks fail on a bound of an integer that is none to them. */
function isBound(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

function numberSchema({ integer, min, max }: NumberBounds): Draft {
  const schema: Draft = { type: integer ? 'integer' : 'number' };
  if (typeof min === 'number' && isBound(min)) schema['minimum'] = min;
  if (typeof max === 'number' && isBound(max)) schema['maximum'] = max;
  return schema;
}

/** Returns the schema of a file, with optional members: some model providers refuse alternatives of objects. */
function fileSchema(sources: readonly FileSource[]): Draft {
  const properties: Draft = {};
  for (const name of fileMembers(sources)) {
    // `mime_type` is accepted too, but the bridge detects the type from the bytes.
    if (name === 'mime_type') continue;
    const description = MEMBER_DESCRIPTIONS[name];
    properties[name] = description === undefined ? { type: 'string' } : { type: 'string', description };
  }
  return { type: 'object', properties };
}

/**
 * Returns the schema of an object. One without members of its own has no `properties` below the root, and a schema for
 * any member: otherwise frameworks publish it as a text, send it empty, or close it.
 */
function objectSchema(shape: ObjectShape): Draft {
  const members: Draft = {};
  const demanded: string[] = [];
  for (const property of shape.properties) {
    members[property.name] = schemaOf(property, ANYTHING);
    if (property.required && property.default === undefined) demanded.push(property.name);
  }
  const schema: Draft = { type: 'object' };
  if (shape.properties.length > 0) schema['properties'] = members;
  if (demanded.length > 0) schema['required'] = demanded;
  const others = othersOf(shape);
  if (others !== undefined) schema['additionalProperties'] = schemaOf(others, ANYTHING);
  return schema;
}

/** Returns the value that is published for members without a name; undefined if none is. */
function othersOf(shape: ObjectShape): Value | undefined {
  return isFree(shape) ? { shape: { kind: 'any' } } : shape.others;
}

/** Returns whether the schema allows a value of the shape. For values of any type, it allows only the common ones. */
function isPublished(shape: Shape, value: Json, untyped: readonly Shape[]): boolean {
  if (hasBigint(value) || hasInvisible(value)) return false;
  switch (shape.kind) {
    case 'any':
      return armsOf(shape, untyped).some((arm) => isPublished(arm, value, SCALARS));
    case 'array':
      return (
        Array.isArray(value) && value.every((item: Json) => isPublished(shape.items.shape, item, SCALARS))
      );
    case 'object':
      return (
        isJsonObject(value) &&
        Object.entries(value).every(([name, member]) => {
          const declared = shape.properties.find((property) => property.name === name) ?? othersOf(shape);
          return (
            member === undefined || declared === undefined || isPublished(declared.shape, member, ANYTHING)
          );
        })
      );
    default:
      return fitted({ shape }, value) === value;
  }
}
