import type { JsonObject } from '../model/json.ts';

/** Returns a text parameter; the fallback if it is absent, empty or not a text. */
export function textOf(given: JsonObject, name: string, fallback = ''): string {
  const value = given[name];
  return typeof value === 'string' && value !== '' ? value : fallback;
}
