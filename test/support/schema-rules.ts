import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonObject } from '../../src/model/json.ts';

/** The keywords that every model provider and framework supports. */
const KEYWORDS = new Set([
  'type',
  'description',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'enum',
  'default',
  'minimum',
  'maximum',
  'anyOf',
]);
const TYPES = ['boolean', 'integer', 'number', 'object', 'array', 'string'];

/** What is published of the items of a list whose declaration does not describe them. */
export const SCALAR = { anyOf: [{ type: 'boolean' }, { type: 'number' }, { type: 'string' }] };
const SCALAR_OR_OBJECT = {
  anyOf: [{ type: 'boolean' }, { type: 'number' }, { type: 'object' }, { type: 'string' }],
};
/** What is published of a value of any type. */
export const ANYTHING = {
  anyOf: [
    { type: 'boolean' },
    { type: 'number' },
    { type: 'object' },
    { type: 'array', items: SCALAR_OR_OBJECT },
    { type: 'string' },
  ],
};
/** What is published of an object without members of its own. */
export const FREE_OBJECT = { type: 'object', additionalProperties: ANYTHING };

// Most validators run once or twice, so making them faster takes more time than it saves.
const code = { optimize: false };
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, ownProperties: true, code });

/** The published schema for an independent validator, which refuses what is not JSON Schema 2020-12. */
export function compiled(schema: JsonObject): ValidateFunction {
  return ajv.compile(schema);
}

/** Validators of single values, by their schemas without what only describes. Making one takes milliseconds. */
const ofValues = new Map<string, ValidateFunction>();

function fits(schema: JsonObject, value: unknown): boolean {
  const key = JSON.stringify(schema, (name, member) =>
    name === 'description' || name === 'default' ? undefined : (member as unknown),
  );
  const validate = ofValues.get(key) ?? compiled(JSON.parse(key) as JsonObject);
  ofValues.set(key, validate);
  return validate(value);
}

/** What in an input schema some model provider would refuse; empty when all of them take it. */
export function broken(schema: JsonObject): string[] {
  const faults: string[] = [];
  const root = schema as Record<string, unknown>;
  if (root['type'] !== 'object') faults.push('root is not an object');
  if ('anyOf' in root) faults.push('anyOf at the root');
  if (typeof root['properties'] !== 'object') faults.push('root without properties');
  walk(root, '', faults);
  return faults;
}

/** The same for an output schema, in which each value may be null. */
export function brokenOutput(schema: JsonObject): string[] {
  const faults: string[] = [];
  walk(schema, '', faults, true);
  return faults;
}

function walk(schema: Record<string, unknown>, at: string, faults: string[], typeLists = false): void {
  const below = (member: unknown, name: string): void =>
    walk(member as Record<string, unknown>, `${at}/${name}`, faults, typeLists);
  for (const keyword of Object.keys(schema)) if (!KEYWORDS.has(keyword)) faults.push(`${at}: ${keyword}`);
  const { description, items, properties, type, anyOf, additionalProperties, minimum, maximum } = schema;
  const hasType = (typeof type === 'string' && TYPES.includes(type)) || (typeLists && Array.isArray(type));
  if (!hasType && !Array.isArray(anyOf)) faults.push(`${at}: no type`);
  if (Array.isArray(anyOf) && anyOf.length < 2) faults.push(`${at}: fewer than two alternatives`);
  // LangChain's converter for Gemini makes a text of it, AutoGen's an object that loses all members.
  if (at !== '' && typeof properties === 'object' && Object.keys(properties as object).length === 0)
    faults.push(`${at}: empty properties`);
  // AutoGen fails on a bound of an integer that is none.
  for (const bound of [minimum, maximum])
    if (type === 'integer' && bound !== undefined && !Number.isSafeInteger(bound))
      faults.push(`${at}: a bound that is no exact integer`);
  // Google's converter reads a schema there and fails on a boolean.
  if (typeof additionalProperties === 'boolean') faults.push(`${at}: additionalProperties is a boolean`);
  if (typeof description === 'string' && (description === '' || description.length > 1024)) {
    faults.push(`${at}: description of ${description.length}`);
  }
  const isList = type === 'array' || (Array.isArray(type) && type.includes('array'));
  if (isList && items === undefined) faults.push(`${at}: no items`);
  checkEnum(schema['enum'], at, faults);
  if (schema['enum'] !== undefined && type !== 'string')
    faults.push(`${at}: choices that are not of type string`);
  if ('default' in schema && !fits(schema as JsonObject, schema['default'])) {
    faults.push(`${at}: the default does not fit`);
  }
  for (const [name, member] of Object.entries(
    (properties ?? {}) as Record<string, Record<string, unknown>>,
  )) {
    // Pydantic reserves some names, and refuses a name that begins with `_`, in AutoGen and CrewAI.
    if (!/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(name) || /^model_(config|dump|validate|post_init)/.test(name))
      faults.push(`${at}: property ${name}`);
    below(member, name);
  }
  if (typeof items === 'object' && items !== null) below(items, 'items');
  for (const arm of (anyOf ?? []) as Record<string, unknown>[]) below(arm, 'anyOf');
  if (typeof additionalProperties === 'object' && additionalProperties !== null)
    below(additionalProperties, 'additionalProperties');
}

function checkEnum(choices: unknown, at: string, faults: string[]): void {
  if (choices === undefined) return;
  const values = choices as unknown[];
  if (values.length === 0) faults.push(`${at}: empty enum`);
  if (new Set(values).size !== values.length) faults.push(`${at}: repeated choices`);
  if (values.some((value) => typeof value !== 'string')) faults.push(`${at}: a choice that is no text`);
  if (values.includes('')) faults.push(`${at}: an empty choice`);
}
