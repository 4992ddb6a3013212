import type { Problem } from '../model/errors.ts';
import type { Json, JsonObject } from '../model/json.ts';

/** Levels of arrays and objects in the arguments of one call: far more than any tool declares. */
const MAX_DEPTH = 100;
/** Values in the arguments of one call, arrays and objects included. */
const MAX_VALUES = 200_000;

const SEND_LESS = 'send less, or pass the data as a file or a string';
const UNHELD = 'contain a number that cannot be sent with all its digits: give it as a string, or round it';

/** Returns how the arguments of a call exceed the limits; undefined if they do not. */
export function excessOf(args: JsonObject): Problem | undefined {
  const open: { readonly value: Json; readonly depth: number }[] = [{ value: args, depth: 1 }];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    const members = Array.isArray(value) ? (value as readonly Json[]) : Object.values(value as JsonObject);
    count += members.length;
    if (count > MAX_VALUES) return problem(`have more than ${MAX_VALUES} values: ${SEND_LESS}`);
    for (const member of members) {
      // Reading arguments leaves these in place of numbers that a double would change.
      if (typeof member === 'number' && !Number.isFinite(member)) return problem(UNHELD);
      if (typeof member !== 'object' || member === null) continue;
      if (depth === MAX_DEPTH) return problem(`are nested more than ${MAX_DEPTH} levels deep: ${SEND_LESS}`);
      open.push({ value: member, depth: depth + 1 });
    }
  }
  return undefined;
}

function problem(excess: string): Problem {
  return { path: '', message: `the arguments ${excess}` };
}
