import type { Problem } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import { writeJson } from '../model/well-formed.ts';
import { type ArgumentIssue, MAX_ISSUES } from './check.ts';
import { fileExample } from './file-parameter.ts';
import { fileMembers } from './file-problems.ts';
import { closest } from '../model/closest.ts';
import { isTooPrecise } from './coercion.ts';
import type { Shape } from './shape.ts';
import { listed } from './text.ts';

/** The most problems listed individually: nobody fixes more at a time. */
const MAX_PROBLEMS = 50;
/** The kinds of values for which a message quotes a short wrong text. */
const ECHOED: ReadonlySet<Shape['kind']> = new Set(['number', 'boolean', 'choice', 'number-choice']);
/** The longest text of an argument that a message quotes, in characters. */
const MAX_ECHO = 32;

const TOO_PRECISE = ', which has more digits than a number can hold: round it';

/** Puts into words what is wrong with arguments. `reserved` are parameters that callers do not set. */
export function toProblems(issues: readonly ArgumentIssue[], reserved: ReadonlySet<string>): Problem[] {
  const paths = new Set<string>();
  const problems: Problem[] = [];
  for (const issue of issues) {
    const path = pointer(issue.path);
    if (paths.has(path)) continue;
    paths.add(path);
    if (problems.length < MAX_PROBLEMS) problems.push({ path, message: messageOf(issue, reserved) });
  }
  const rest = paths.size - problems.length;
  const about = issues.length < MAX_ISSUES ? '' : 'at least ';
  if (rest > 0) problems.push({ path: '', message: `and ${about}${rest} more problems` });
  return problems;
}

/**
 * Returns whether a member is unknown, not reserved, and resembles none that is missing. One that resembles a given member
 * is no mistake for it: some clients add a `toolCallId` to every call, also to that of a tool that has a `call_id`.
 */
export function isIgnorable(issue: ArgumentIssue, reserved: ReadonlySet<string>): boolean {
  if (issue.kind !== 'unknown') return false;
  const key = String(issue.path.at(-1));
  const isReserved = issue.path.length === 1 && reserved.has(key);
  return !isReserved && closest(key, missingFrom(issue.object, issue.shape)) === undefined;
}

/** Describes the given value in a few words. Quotes texts only if they are short and `echo` is set. */
export function got(value: unknown, echo: boolean): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  switch (typeof value) {
    case 'string':
      return echo && value.length <= MAX_ECHO
        ? JSON.stringify(value)
        : `a string of ${value.length} character${value.length === 1 ? '' : 's'}`;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      return 'an object';
    default:
      return 'nothing';
  }
}

function messageOf(issue: ArgumentIssue, reserved: ReadonlySet<string>): string {
  if (issue.kind === 'explained') return issue.message;
  const { kind, path, shape } = issue;
  if (kind === 'unknown') {
    const key = String(path.at(-1));
    const isReserved = path.length === 1 && reserved.has(key);
    return isReserved ? 'callers cannot set this parameter: omit it' : unknownArgument(key, membersOf(shape));
  }
  const expected = `expected ${expectation(shape)}`;
  if (issue.value === undefined) return `is required: ${expected}`;
  const digits = shape.kind === 'number' && isTooPrecise(issue.value) ? TOO_PRECISE : '';
  return `${expected}, got ${got(issue.value, ECHOED.has(shape.kind))}${digits}`;
}

function unknownArgument(key: string, known: readonly string[]): string {
  const near = closest(key, known);
  if (near !== undefined) return `unknown argument; did you mean "${near}"?`;
  if (known.length === 0) return 'unknown argument; the tool takes none';
  return `unknown argument; the tool takes ${listed(known, 300)}`;
}

/** Describes in words what a shape expects. */
export function expectation(shape: Shape): string {
  switch (shape.kind) {
    case 'choice':
    case 'number-choice': {
      const texts = shape.values.map((choice) => writeJson(choice));
      return texts.length === 1 ? listed(texts, 300) : `one of ${listed(texts, 300)}`;
    }
    case 'number':
      return `${shape.integer ? 'a whole number' : 'a number'}${range(shape)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'a string';
    case 'array':
      return 'an array';
    case 'any':
      return shape.alternatives?.map(expectation).join(' or ') ?? 'a value';
    case 'file':
      return `a file such as ${shape.sources.map(fileExample).join(' or ')}`;
    default: {
      const members = membersOf(shape);
      return members.length === 0 ? 'an object' : `an object with ${listed(members, 200)}`;
    }
  }
}

function range({ min, max }: Extract<Shape, { kind: 'number' }>): string {
  if (min !== undefined) return max !== undefined ? ` from ${min} to ${max}` : ` of at least ${min}`;
  return max !== undefined ? ` of at most ${max}` : '';
}

function membersOf(shape: Shape): string[] {
  if (shape.kind === 'object') return shape.properties.map(({ name }) => name);
  return shape.kind === 'file' ? fileMembers(shape.sources) : [];
}

/** Returns the members of a shape that an object lacks under both of their names. */
function missingFrom(object: JsonObject, shape: Shape): string[] {
  if (shape.kind !== 'object') return membersOf(shape).filter((name) => !Object.hasOwn(object, name));
  const missing = shape.properties.filter(
    ({ name, alias = name }) => !Object.hasOwn(object, name) && !Object.hasOwn(object, alias),
  );
  return missing.map(({ name }) => name);
}

function pointer(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
