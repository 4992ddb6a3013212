import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { acceptsNull, typesOf } from './named-types.ts';

const MAX_REFERENCES = 16;
/** The most alternatives or parts of one schema that are read. */
const MAX_ARMS = 50;

/** The document in which references are resolved, and how many schemas may still be flattened. */
export interface SchemaSource {
  readonly document: JsonObject;
  left: number;
}

/** A schema without `$ref`, `allOf` and alternatives for null. At least two alternatives remain, or none. */
export interface Flat {
  readonly schema: JsonObject;
  readonly nullable: boolean;
  /** The references that were followed. */
  readonly references: readonly string[];
  /** The references that lead nowhere in the document. */
  readonly missing: readonly string[];
}

/** Returns a schema with its references, its parts (`allOf`) and a single alternative merged into it. */
export function flatten(schema: JsonObject, source: SchemaSource): Flat {
  const references: string[] = [];
  const missing: string[] = [];
  let current = schema;
  let nullable = false;
  for (let hop = 0; hop < MAX_REFERENCES && source.left > 0; hop += 1) {
    source.left -= 1;
    if (typeof current['$ref'] === 'string') {
      const { $ref: reference, ...others } = current;
      const target = referenced(reference, source.document);
      (target === undefined ? missing : references).push(reference);
      current = merged([others, target ?? {}]);
    } else if (Array.isArray(current['allOf'])) {
      const { allOf, ...others } = current;
      const parts = (allOf as readonly Json[]).filter(isJsonObject).slice(0, MAX_ARMS);
      const flat = parts.map((part) => flatten(part, source));
      for (const part of flat) {
        references.push(...part.references);
        missing.push(...part.missing);
      }
      current = merged([others, ...flat.map((part) => part.schema)]);
    } else {
      const single = withoutNull(current);
      nullable ||= acceptsNull(current) || single?.nullable === true;
      if (single === undefined) return { schema: current, nullable, references, missing };
      current = single.schema;
    }
  }
  return { schema: {}, nullable, references, missing };
}

/** Returns the schema without its alternatives for null, and with a single alternative merged; undefined if unchanged. */
function withoutNull(schema: JsonObject): { schema: JsonObject; nullable: boolean } | undefined {
  for (const key of ['anyOf', 'oneOf'] as const) {
    const arms = schema[key] as readonly Json[] | undefined;
    if (!Array.isArray(arms)) continue;
    const left = arms.slice(0, MAX_ARMS).filter((arm) => !isOnlyNull(arm));
    const nullable = arms.some(isOnlyNull);
    const [only] = left;
    if (left.length > 1) {
      if (left.length === arms.length) continue;
      return { schema: { ...schema, [key]: left }, nullable };
    }
    const { [key]: _, ...others } = schema;
    return { schema: isJsonObject(only) ? merged([others, only]) : others, nullable };
  }
  return undefined;
}

function isOnlyNull(arm: Json): boolean {
  if (!isJsonObject(arm) || arm['nullable'] === true || !acceptsNull(arm)) return false;
  const choices = arm['enum'];
  return typesOf(arm).length === 0 && (!Array.isArray(choices) || choices.every((choice) => choice === null));
}

const LARGEST = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];
const SMALLEST = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];

/** Returns one schema for values that fit all of these. Of texts that contradict each other, the first one counts. */
export function merged(schemas: readonly JsonObject[]): JsonObject {
  const result: Record<string, Json | undefined> = {};
  for (const schema of schemas) {
    for (const [key, value] of Object.entries(schema)) {
      if (value !== undefined)
        result[key] = result[key] === undefined ? value : both(key, result[key], value);
    }
  }
  return result;
}

/** Returns the value of a keyword for two schemas that both apply. */
function both(key: string, a: Json, b: Json): Json {
  if (typeof a === 'number' && typeof b === 'number') {
    if (LARGEST.includes(key)) return Math.max(a, b);
    if (SMALLEST.includes(key)) return Math.min(a, b);
  }
  if (key === 'additionalProperties' && (a === false || b === false)) return false;
  if (key === 'properties' && isJsonObject(a) && isJsonObject(b)) return bothMembers(a, b);
  if (key === 'items' && isJsonObject(a) && isJsonObject(b)) return { allOf: [a, b] };
  if (!Array.isArray(a) || !Array.isArray(b))
    return key === 'type' && b === 'integer' && a === 'number' ? b : a;
  switch (key) {
    case 'required':
    case 'allOf':
      return [...new Set([...(a as Json[]), ...(b as Json[])])];
    case 'enum':
    case 'type': {
      const common = (a as Json[]).filter((item) => (b as Json[]).includes(item));
      return common.length === 0 ? a : common;
    }
    default:
      return a;
  }
}

function bothMembers(a: JsonObject, b: JsonObject): JsonObject {
  const shared = Object.keys(b).filter((name) => Object.hasOwn(a, name));
  return {
    ...a,
    ...b,
    ...Object.fromEntries(shared.map((name) => [name, { allOf: [a[name] ?? {}, b[name] ?? {}] }])),
  };
}

function referenced(reference: string, document: JsonObject): JsonObject | undefined {
  // A reference by name (#place) may point anywhere in the document. It is not supported.
  if (!/^#(?:\/|$)/.test(reference)) return undefined;
  let target: Json | undefined = document;
  for (const step of reference.split('/').slice(1)) {
    const key = decodeStep(step);
    if (Array.isArray(target)) target = (target as readonly Json[])[Number(key)];
    else target = isJsonObject(target) && Object.hasOwn(target, key) ? target[key] : undefined;
  }
  return isJsonObject(target) ? target : undefined;
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}
