import type { Json, JsonObject } from '../model/json.ts';
import { cutAtLine } from './text-budget.ts';

/**
 * Returns the entries of an object that take at most `max` characters as JSON, preferring short ones. The first entry
 * that does not fit is cut if it is a text; longer ones are omitted. Types stay the same, so that an output schema that
 * requires nothing still matches. Also returns the names of the texts that were cut and of the entries that were
 * omitted.
 */
export function limitContent(content: JsonObject, max: number) {
  const entries = Object.entries(content).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value, size: JSON.stringify({ [name]: value }).length }],
  );
  let space = max;
  let isFull = false;
  const limited = new Map<string, Json>();
  const cut: string[] = [];
  const leftOut: string[] = [];
  for (const { name, value, size } of entries.toSorted((a, b) => a.size - b.size)) {
    if (!isFull && size <= space) {
      limited.set(name, value);
      space -= size;
      continue;
    }
    const start = isFull || typeof value !== 'string' ? '' : startOf(value, space - name.length);
    isFull = true;
    if (start === '') leftOut.push(name);
    else {
      limited.set(name, start);
      cut.push(name);
    }
  }
  // In their original order.
  const rest = entries.flatMap(({ name }): [string, Json][] => {
    const value = limited.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { content: Object.fromEntries(rest) as JsonObject, cut, leftOut };
}

/** Returns the beginning of a text that takes about `space` characters as JSON, including escapes. */
function startOf(text: string, space: number): string {
  const escaped = JSON.stringify(text).length;
  const share = Math.floor((space * text.length) / escaped);
  return share <= 0 ? '' : cutAtLine(text, share);
}
