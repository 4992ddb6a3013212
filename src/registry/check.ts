import { withoutInvisible } from '../model/invisible-characters.ts';
import { isJsonObject, isNumber, type Json, type JsonObject } from '../model/json.ts';
import { toArray, toBoolean, toNumber, toObject, toText } from './coercion.ts';
import { toFile, toFileList } from './file-coercion.ts';
import { fileMembers, fileProblems } from './file-problems.ts';
import { typeOfValue } from './named-types.ts';
import { type JsonType, type Shape, typeOfShape, type Value } from './shape.ts';

/** A problem with a value, and its location. */
export type ArgumentIssue = { readonly path: readonly (string | number)[] } & (
  | {
      readonly kind: 'wrong';
      readonly shape: Shape;
      /** The actual value; undefined if it is missing. */
      readonly value: unknown;
    }
  /** The enclosing object has no member of that name. */
  | { readonly kind: 'unknown'; readonly shape: Shape; readonly object: JsonObject }
  | { readonly kind: 'explained'; readonly message: string }
);

/** The coerced value without unknown members. Use it only if no issue is worse than an unknown member. */
export interface Checked {
  readonly value: unknown;
  /** At most `MAX_ISSUES`. */
  readonly issues: readonly ArgumentIssue[];
}

/** More than anybody reads; a long array can have an issue for each of its items. */
export const MAX_ISSUES = 1000;

/** Returns the function that checks and coerces values of one shape. It does not change its input. */
export function checkerOf(value: Value): (input: unknown) => Checked {
  const check = valueCheck(value);
  return (input) => {
    const place: Place = { path: [], issues: [] };
    return { value: check(input, place), issues: place.issues };
  };
}

/** Returns a default or preset as the parameter accepts it; undefined if the parameter does not accept it. */
export function fitted(value: Value, candidate: Json): Json | undefined {
  const result = checkerOf(value)(candidate);
  return result.issues.length === 0 ? (result.value as Json) : undefined;
}

/** The current location of a check, and its issues. The path is changed in place and copied only into issues. */
interface Place {
  readonly path: (string | number)[];
  readonly issues: ArgumentIssue[];
}

/** Returns the coerced value. If the value is wrong, adds issues, and the returned value has no meaning. */
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
      // Published without invisible characters, sent with them.
      const published = new Map<unknown, string>(shape.values.map((text) => [withoutInvisible(text), text]));
      const choices = new Set<unknown>(shape.values);
      const toChoice = (input: unknown): unknown => {
        const text = toText(input);
        return choices.has(text) ? text : published.get(text);
      };
      return coerced(shape, toChoice, (text) => text !== undefined);
    }
    case 'number-choice': {
      const choices = new Set<unknown>(shape.values);
      return coerced(shape, toNumber, (number) => choices.has(number));
    }
    case 'number': {
      const { integer, min = -Infinity, max = Infinity } = shape;
      const isKind = integer ? Number.isInteger : Number.isFinite;
      return coerced(shape, toNumber, (number) => {
        const fits = typeof number === 'bigint' || isKind(number);
        return isNumber(number) && fits && number >= min && number <= max;
      });
    }
    case 'boolean':
      return coerced(shape, toBoolean, (boolean) => typeof boolean === 'boolean');
    case 'any':
      return anyCheck(shape);
    case 'file':
      return fileCheck(shape);
    case 'array':
      return arrayCheck(shape);
    default:
      return objectCheck(shape);
  }
}

function anyCheck(shape: Extract<Shape, { kind: 'any' }>): Check {
  const checks = new Map(
    shape.alternatives?.map((each) => [jsonTypeOf(typeOfShape(each)), shapeCheck(each)] as const),
  );
  return (input, place) => {
    if (input === undefined) return refuse(place, shape, input);
    const check = checks.get(jsonTypeOf(typeOfValue(input as Json)));
    return check === undefined ? input : check(input, place);
  };
}

/** Returns the type with integers among the numbers. */
function jsonTypeOf(type: JsonType | undefined): JsonType | undefined {
  return type === 'integer' ? 'number' : type;
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

function refuse(place: Place, shape: Shape, value: unknown): undefined {
  report(place, { kind: 'wrong', path: [...place.path], shape, value });
}

function report({ issues }: Place, issue: ArgumentIssue): void {
  if (issues.length < MAX_ISSUES) issues.push(issue);
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
  const other = shape.others === undefined ? undefined : valueCheck(shape.others);
  const names = new Map(
    members.flatMap(({ name, alias = name }) => [[name, name] as const, [alias, name] as const]),
  );
  return (input, place) => {
    const source = toObject(input);
    if (!isJsonObject(source)) return refuse(place, shape, input);
    const entries: [string, unknown][] = [];
    for (const member of members) {
      const { name, alias = name, required, default: fallback, check } = member;
      const key = Object.hasOwn(source, name) ? name : alias;
      const given = Object.hasOwn(source, key) ? source[key] : undefined;
      const isAbsent = given === undefined || (!required && isBlank(given, member));
      const taken = isAbsent ? fallback : given;
      if (taken !== undefined || required) entries.push([alias, within(place, name, check, taken)]);
    }
    for (const key of Object.keys(source)) {
      const name = names.get(key);
      if (name === key) continue;
      if (name !== undefined) {
        if (Object.hasOwn(source, name)) refuseTwice(place, key, name);
      } else if (!shape.open) refuseKey(place, shape, source, key);
      else entries.push([key, other === undefined ? source[key] : within(place, key, other, source[key])]);
    }
    // Unlike an assignment, this makes a member of the key `__proto__` too.
    return Object.fromEntries(entries);
  };
}

/** Returns true for what a caller sends who has no value for an optional member: null, or an empty text where no text fits. */
function isBlank(given: unknown, { shape, nullable }: Value): boolean {
  if (given === null) return nullable !== true;
  return given === '' && shape.kind !== 'string' && shape.kind !== 'any';
}

function refuseTwice(place: Place, alias: string, name: string): void {
  const message = `the same argument as "${name}", which is also given: leave one of them out`;
  report(place, { kind: 'explained', path: [...place.path, alias], message });
}

function refuseKey(place: Place, shape: Shape, object: JsonObject, key: string): void {
  report(place, { kind: 'unknown', path: [...place.path, key], shape, object });
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
      if (!(names as string[]).includes(key)) refuseKey(place, shape, source, key);
    }
    for (const { member, message } of areTexts ? fileProblems(file, shape.sources) : []) {
      const path = member === '' ? [...place.path] : [...place.path, member];
      report(place, { kind: 'explained', path, message });
    }
    return file;
  };
}
