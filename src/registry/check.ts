import { isJsonObject, type Json } from '../model/json.ts';
import { toArray, toBoolean, toNumber, toObject, toText } from './coercion.ts';
import { toFile, toFileList } from './file-coercion.ts';
import { fileMembers, fileProblems } from './file-problems.ts';
import type { Shape, Value } from './shape.ts';

/** One thing that is wrong with a value, and where. */
export type ArgumentIssue = { readonly path: readonly (string | number)[] } & (
  | {
      readonly kind: 'wrong';
      readonly shape: Shape;
      /** What came; undefined where there is nothing. */
      readonly value: unknown;
    }
  /** There is no member of that name in the object around it. */
  | { readonly kind: 'unknown'; readonly shape: Shape }
  | { readonly kind: 'explained'; readonly message: string }
);

/** The coerced value, or everything that is wrong with it. */
export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly ArgumentIssue[] };

/** The function that checks and coerces values of one kind. What it is given is left as it was. */
export function checkerOf(value: Value): (input: unknown) => Checked {
  const check = valueCheck(value);
  return (input) => {
    const place: Place = { path: [], issues: [] };
    const coerced = check(input, place);
    return place.issues.length === 0 ? { ok: true, value: coerced } : { ok: false, issues: place.issues };
  };
}

/** A default or preset in the form in which the parameter takes it; undefined when it does not fit. */
export function fitted(value: Value, candidate: Json): Json | undefined {
  const result = checkerOf(value)(candidate);
  return result.ok ? (result.value as Json) : undefined;
}

/** Where a check is, and what it has found. The path is changed in place, and copied into issues alone. */
interface Place {
  readonly path: (string | number)[];
  readonly issues: ArgumentIssue[];
}

/** Returns the coerced value, or adds to the issues and returns anything. */
type Check = (input: unknown, place: Place) => unknown;

function valueCheck({ shape, nullable }: Value): Check {
  const check = shapeCheck(shape);
  return nullable === true ? (input, place) => (input === null ? null : check(input, place)) : check;
}

function shapeCheck(shape: Shape): Check {
  switch (shape.kind) {
    case 'string':
      return coerced(shape, toText, (text) => typeof text === 'string');
    case 'choice': {
      const choices = new Set<unknown>(shape.values);
      return coerced(shape, toText, (text) => choices.has(text));
    }
    case 'number-choice': {
      const choices = new Set<unknown>(shape.values);
      return coerced(shape, toNumber, (number) => choices.has(number));
    }
    case 'number': {
      const { integer, min = -Infinity, max = Infinity } = shape;
      const isKind = integer ? Number.isInteger : Number.isFinite;
      return coerced(shape, toNumber, (number) => {
        return typeof number === 'number' && isKind(number) && number >= min && number <= max;
      });
    }
    case 'boolean':
      return coerced(shape, toBoolean, (boolean) => typeof boolean === 'boolean');
    case 'any':
      return (input, place) => (input === undefined ? refuse(place, shape, input) : input);
    case 'file':
      return fileCheck(shape);
    case 'array':
      return arrayCheck(shape);
    default:
      return objectCheck(shape);
  }
}

function coerced(
  shape: Shape,
  coerce: (input: unknown) => unknown,
  fits: (input: unknown) => boolean,
): Check {
  return (input, place) => {
    const value = coerce(input);
    return fits(value) ? value : refuse(place, shape, input);
  };
}

function refuse({ path, issues }: Place, shape: Shape, value: unknown): undefined {
  issues.push({ kind: 'wrong', path: [...path], shape, value });
}

function within(place: Place, step: string | number, check: Check, input: unknown): unknown {
  place.path.push(step);
  const value = check(input, place);
  place.path.pop();
  return value;
}

function arrayCheck(shape: Extract<Shape, { kind: 'array' }>): Check {
  const { items } = shape;
  const check = valueCheck(items);
  return (input, place) => {
    const list = items.shape.kind === 'file' ? toFileList(input, items.shape.sources) : toArray(input);
    if (!Array.isArray(list)) return refuse(place, shape, input);
    return Array.from(list, (item: unknown, index) => within(place, index, check, item));
  };
}

function objectCheck(shape: Extract<Shape, { kind: 'object' }>): Check {
  const members = shape.properties.map((property) => ({ ...property, check: valueCheck(property) }));
  const names = new Set(members.map(({ name }) => name));
  return (input, place) => {
    const source = toObject(input);
    if (!isJsonObject(source)) return refuse(place, shape, input);
    const value: Record<string, unknown> = {};
    for (const { name, required, nullable, default: fallback, check } of members) {
      const given = Object.hasOwn(source, name) ? source[name] : undefined;
      const isAbsent = given === undefined || (given === null && !required && nullable !== true);
      const member = isAbsent ? fallback : given;
      if (member !== undefined || required) value[name] = within(place, name, check, member);
    }
    for (const key of Object.keys(source)) {
      if (names.has(key)) continue;
      if (!shape.open) refuseKey(place, shape, key);
      // Assigning to this one would set the prototype.
      else if (key !== '__proto__') value[key] = source[key];
    }
    return value;
  };
}

function refuseKey({ path, issues }: Place, shape: Shape, key: string): void {
  issues.push({ kind: 'unknown', path: [...path, key], shape });
}

const TEXT: Shape = { kind: 'string' };

function fileCheck(shape: Extract<Shape, { kind: 'file' }>): Check {
  const names = fileMembers(shape.sources);
  const isText: Check = (input, place) => (typeof input === 'string' ? input : refuse(place, TEXT, input));
  return (input, place) => {
    const source = toFile(input, shape.sources);
    if (!isJsonObject(source)) return refuse(place, shape, input);
    const file: Partial<Record<(typeof names)[number], string>> = {};
    const before = place.issues.length;
    for (const name of names) {
      if (source[name] !== undefined) file[name] = within(place, name, isText, source[name]) as string;
    }
    const areTexts = place.issues.length === before;
    for (const key of Object.keys(source)) {
      if (!(names as string[]).includes(key)) refuseKey(place, shape, key);
    }
    for (const { member, message } of areTexts ? fileProblems(file, shape.sources) : []) {
      const path = member === '' ? [...place.path] : [...place.path, member];
      place.issues.push({ kind: 'explained', path, message });
    }
    return file;
  };
}
