import type { Problem } from '../model/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { ArgumentIssue } from './argument-schema.ts';
import { closest } from '../model/closest.ts';
import { listed } from './text.ts';

/** As many problems are told one by one; nobody mends more at a time. */
const MAX_PROBLEMS = 50;
/** Where a short wrong text helps to see what is wrong with it, and cannot be more than a slip. */
const ECHOED_TYPES: ReadonlySet<string> = new Set(['number', 'integer', 'boolean']);
/** Longest text of an argument that is repeated in a message. */
const MAX_ECHO = 32;

/**
 * What is wrong with arguments, in words: where, what was expected, what came. `schema` is the published
 * one; `reserved` are parameters of the tool that callers do not set.
 */
export function toProblems(
  issues: readonly ArgumentIssue[],
  args: JsonObject,
  schema: JsonObject,
  reserved: ReadonlySet<string>,
): Problem[] {
  const problems = new Map<string, Problem>();
  for (const issue of issues) {
    for (const problem of problemsOf(issue, args, schema, reserved)) {
      if (!problems.has(problem.path)) problems.set(problem.path, problem);
    }
  }
  const all = [...problems.values()];
  if (all.length <= MAX_PROBLEMS) return all;
  const rest = all.length - MAX_PROBLEMS;
  return [...all.slice(0, MAX_PROBLEMS), { path: '', message: `and ${rest} more problems of this kind` }];
}

/** What came instead, in few words; texts only where they are short and `echo` allows it. */
export function got(value: unknown, echo: boolean): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  switch (typeof value) {
    case 'string':
      return echo && value.length <= MAX_ECHO
        ? JSON.stringify(value)
        : `a string of ${value.length} character${value.length === 1 ? '' : 's'}`;
    case 'number':
    case 'boolean':
      return String(value);
    case 'object':
      return 'an object';
    default:
      return 'nothing';
  }
}

function problemsOf(
  issue: ArgumentIssue,
  args: JsonObject,
  schema: JsonObject,
  reserved: ReadonlySet<string>,
): Problem[] {
  const place = schemaAt(schema, issue.path);
  if (issue.unknownKeys !== undefined) {
    const known = isJsonObject(place['properties']) ? Object.keys(place['properties']) : [];
    return issue.unknownKeys.map((key) => ({
      path: pointer([...issue.path, key]),
      message:
        issue.path.length === 0 && reserved.has(key)
          ? 'this parameter is not set by callers: leave it out'
          : unknownArgument(key, known),
    }));
  }
  const path = pointer(issue.path);
  if (issue.message !== undefined) return [{ path, message: issue.message }];
  const { found, value } = valueAt(args, issue.path);
  const expected = `expected ${expectation(place)}`;
  if (!found) return [{ path, message: `is required: ${expected}` }];
  const echo = Array.isArray(place['enum']) || ECHOED_TYPES.has(typeOf(place) ?? '');
  return [{ path, message: `${expected}, got ${got(value, echo)}` }];
}

function unknownArgument(key: string, known: readonly string[]): string {
  const near = closest(key, known);
  if (near !== undefined) return `there is no such argument; did you mean "${near}"?`;
  if (known.length === 0) return 'there is no such argument; the tool takes none';
  return `there is no such argument; there are ${listed(known, 300)}`;
}

/** What a published schema asks for, in words. */
function expectation(schema: JsonObject): string {
  const choices = schema['enum'];
  if (Array.isArray(choices)) {
    const texts = (choices as readonly Json[]).map((choice) => JSON.stringify(choice));
    return texts.length === 1 ? listed(texts, 300) : `one of ${listed(texts, 300)}`;
  }
  switch (typeOf(schema)) {
    case 'number':
      return `a number${range(schema)}`;
    case 'integer':
      return `a whole number${range(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return schema['minLength'] === undefined ? 'a string' : 'a non-empty string';
    case 'array':
      return 'an array';
    case 'object': {
      const members = isJsonObject(schema['properties']) ? Object.keys(schema['properties']) : [];
      return members.length === 0 ? 'an object' : `an object with ${listed(members, 200)}`;
    }
    default:
      return 'a value';
  }
}

function typeOf({ type }: JsonObject): string | undefined {
  const first = Array.isArray(type) ? (type as readonly Json[])[0] : type;
  return typeof first === 'string' ? first : undefined;
}

function range({ minimum: min, maximum: max }: JsonObject): string {
  if (typeof min === 'number') {
    return typeof max === 'number' ? ` from ${min} to ${max}` : ` of at least ${min}`;
  }
  return typeof max === 'number' ? ` of at most ${max}` : '';
}

/** The part of a schema that describes a place in the value. */
function schemaAt(schema: JsonObject, path: readonly (string | number)[]): JsonObject {
  let place = notNull(schema);
  for (const step of path) {
    const properties = place['properties'];
    const below =
      typeof step === 'number' ? place['items'] : isJsonObject(properties) ? properties[step] : undefined;
    place = isJsonObject(below) ? notNull(below) : {};
  }
  return place;
}

/** Of a schema that takes null or something else, the something else. */
function notNull(schema: JsonObject): JsonObject {
  const arms = schema['anyOf'];
  if (!Array.isArray(arms)) return schema;
  const arm = (arms as readonly Json[]).find((item) => isJsonObject(item) && item['type'] !== 'null');
  return isJsonObject(arm) ? arm : schema;
}

function valueAt(args: JsonObject, path: readonly (string | number)[]): { found: boolean; value?: unknown } {
  let value: unknown = args;
  for (const step of path) {
    value = opened(value);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return { found: false };
    value = (value as Record<string | number, unknown>)[step];
  }
  return value === undefined ? { found: false } : { found: true, value };
}

/** The path of an issue leads through arrays and objects that came as JSON text. */
function opened(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

function pointer(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
