import type { Problem } from '../model/errors.ts';
import type { ArgumentIssue } from './check.ts';
import { fileMembers } from './file-problems.ts';
import { closest } from '../model/closest.ts';
import type { Shape } from './shape.ts';
import { listed } from './text.ts';

/** Problems listed one by one; nobody mends more at a time. */
const MAX_PROBLEMS = 50;
/** Where a short wrong text helps to see what is wrong with it, and cannot be more than a slip. */
const ECHOED: ReadonlySet<Shape['kind']> = new Set(['number', 'boolean', 'choice', 'number-choice']);
/** Longest text of an argument that is repeated in a message. */
const MAX_ECHO = 32;

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
  if (rest > 0) problems.push({ path: '', message: `and ${rest} more problems of this kind` });
  return problems;
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

function messageOf(issue: ArgumentIssue, reserved: ReadonlySet<string>): string {
  if (issue.kind === 'explained') return issue.message;
  const { kind, path, shape } = issue;
  if (kind === 'unknown') {
    const key = String(path.at(-1));
    const isReserved = path.length === 1 && reserved.has(key);
    return isReserved
      ? 'this parameter is not set by callers: leave it out'
      : unknownArgument(key, membersOf(shape));
  }
  const expected = `expected ${expectation(shape)}`;
  if (issue.value === undefined) return `is required: ${expected}`;
  return `${expected}, got ${got(issue.value, ECHOED.has(shape.kind))}`;
}

function unknownArgument(key: string, known: readonly string[]): string {
  const near = closest(key, known);
  if (near !== undefined) return `there is no such argument; did you mean "${near}"?`;
  if (known.length === 0) return 'there is no such argument; the tool takes none';
  return `there is no such argument; there are ${listed(known, 300)}`;
}

/** What a shape asks for, in words. */
function expectation(shape: Shape): string {
  switch (shape.kind) {
    case 'choice':
    case 'number-choice': {
      const texts = shape.values.map((choice) => JSON.stringify(choice));
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
      return 'a value';
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

function pointer(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
