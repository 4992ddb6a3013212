import type { Json } from '../model/json.ts';
import { type FileLinks, toShownValue } from './json-values.ts';

/** The variables of one call. */
export interface Variables {
  readonly size: number;
  /** `stream`: a piece of a string, appended to the pieces before it. Otherwise the value is assigned. */
  add(name: string, value: Json, stream: boolean): void;
  /** Name and value, in the order in which the names first came. */
  entries(): [string, Json][];
}

/** Gathers variable messages; file objects in them become readable and their links go into `links`. */
export function createVariables(links: FileLinks): Variables {
  // A streamed variable is an array of its pieces until the end; joining at each piece would be quadratic.
  const byName = new Map<string, { pieces: string[] } | { value: Json }>();
  return {
    get size() {
      return byName.size;
    },
    add(name, value, stream) {
      if (!stream || typeof value !== 'string') {
        byName.set(name, { value: toShownValue(value, links) });
        return;
      }
      const known = byName.get(name);
      if (known !== undefined && 'pieces' in known) known.pieces.push(value);
      else if (typeof known?.value === 'string') byName.set(name, { pieces: [known.value, value] });
      else byName.set(name, { pieces: [value] });
    },
    entries() {
      return Array.from(byName, ([name, held]) => [
        name,
        'pieces' in held ? held.pieces.join('') : held.value,
      ]);
    },
  };
}
