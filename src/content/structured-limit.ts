import type { Json, JsonObject } from '../model/json.ts';
import { cutAtLine } from './text-budget.ts';

/** Structured content of a limited size, and what was taken from it. */
export interface LimitedContent {
  readonly content: JsonObject;
  /** Texts of which only the beginning is there. */
  readonly cut: readonly string[];
  /** Entries that are not there. */
  readonly leftOut: readonly string[];
}

/**
 * Entries of an object that take at most `max` characters as JSON, the short ones first. Of the first that does not
 * fit, the beginning stays where it is a text; the longer ones go. What stays has the type that it had, so that an
 * output schema that requires nothing still holds.
 */
export function limitContent(content: JsonObject, max: number): LimitedContent {
  const entries = Object.entries(content).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value, size: JSON.stringify({ [name]: value }).length }],
  );
  let room = max;
  let isFull = false;
  const kept = new Map<string, Json>();
  const cut: string[] = [];
  const leftOut: string[] = [];
  for (const { name, value, size } of entries.toSorted((a, b) => a.size - b.size)) {
    if (!isFull && size <= room) {
      kept.set(name, value);
      room -= size;
      continue;
    }
    const start = isFull || typeof value !== 'string' ? '' : startOf(value, room - name.length);
    isFull = true;
    if (start === '') leftOut.push(name);
    else {
      kept.set(name, start);
      cut.push(name);
    }
  }
  // In the order in which they came.
  const rest = entries.flatMap(({ name }): [string, Json][] => {
    const value = kept.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { content: Object.fromEntries(rest), cut, leftOut };
}

/** The beginning of a text that takes about so many characters as JSON, its escapes included. */
function startOf(text: string, room: number): string {
  const escaped = JSON.stringify(text).length;
  const share = Math.floor((room * text.length) / escaped);
  return share <= 0 ? '' : cutAtLine(text, share);
}
