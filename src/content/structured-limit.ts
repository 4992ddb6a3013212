import type { Json, JsonObject } from '../model/json.ts';
import { cutAtLine } from './text-budget.ts';

/**
 * Entries of an object that take at most `max` characters as JSON, the short ones first. Of the first that does not
 * fit, the beginning stays where it is a text; the longer ones go. What stays has the type that it had, so that an
 * output schema that requires nothing still holds. Returns also the names of the texts that were cut, and of the entries
 * that were left out.
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
  // In the order in which they came.
  const rest = entries.flatMap(({ name }): [string, Json][] => {
    const value = limited.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { content: Object.fromEntries(rest) as JsonObject, cut, leftOut };
}

/** The beginning of a text that takes about so many characters as JSON, its escapes included. */
function startOf(text: string, space: number): string {
  const escaped = JSON.stringify(text).length;
  const share = Math.floor((space * text.length) / escaped);
  return share <= 0 ? '' : cutAtLine(text, share);
}
