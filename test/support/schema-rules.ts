import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonObject } from '../../src/model/json.ts';

const NEVER = [
  '$schema',
  '$ref',
  '$defs',
  'definitions',
  'allOf',
  'oneOf',
  'not',
  'if',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'format',
  'const',
  'patternProperties',
  'x-mcp-header',
];

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, ownProperties: true });

/** The published schema for an independent validator, which refuses what is not JSON Schema 2020-12. */
export function compiled(schema: JsonObject): ValidateFunction {
  return ajv.compile(schema);
}

/** What in an input schema some model provider would refuse; empty when all of them take it. */
export function broken(schema: JsonObject): string[] {
  const faults: string[] = [];
  const root = schema as Record<string, unknown>;
  if (root['type'] !== 'object') faults.push('root is not an object');
  if (root['additionalProperties'] !== false) faults.push('root is open');
  if ('anyOf' in root) faults.push('anyOf at the root');
  if (typeof root['properties'] !== 'object') faults.push('root without properties');
  walk(root, '', faults);
  return faults;
}

function walk(schema: Record<string, unknown>, at: string, faults: string[]): void {
  for (const keyword of NEVER) if (keyword in schema) faults.push(`${at}: ${keyword}`);
  const { description, items, properties, type } = schema;
  if (typeof description === 'string' && (description === '' || description.length > 1024)) {
    faults.push(`${at}: description of ${description.length}`);
  }
  if ((type === 'array' || (Array.isArray(type) && type.includes('array'))) && items === undefined) {
    faults.push(`${at}: no items`);
  }
  checkEnum(schema['enum'], at, faults);
  if ('default' in schema && !compiled(schema as JsonObject)(schema['default'])) {
    faults.push(`${at}: the default does not fit`);
  }
  for (const [name, member] of Object.entries(
    (properties ?? {}) as Record<string, Record<string, unknown>>,
  )) {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name)) faults.push(`${at}: property ${name}`);
    walk(member, `${at}/${name}`, faults);
  }
  if (typeof items === 'object' && items !== null)
    walk(items as Record<string, unknown>, `${at}/items`, faults);
  for (const arm of (schema['anyOf'] ?? []) as Record<string, unknown>[]) walk(arm, `${at}/anyOf`, faults);
}

function checkEnum(choices: unknown, at: string, faults: string[]): void {
  if (choices === undefined) return;
  const values = choices as unknown[];
  if (values.length === 0) faults.push(`${at}: empty enum`);
  if (new Set(values).size !== values.length) faults.push(`${at}: repeated choices`);
  if (new Set(values.map((value) => typeof value)).size > 1) faults.push(`${at}: choices of several types`);
  if (values.includes('')) faults.push(`${at}: an empty choice`);
}
