import type { JsonObject } from '../model/json.ts';

/** A text parameter as a tool got it; the fallback where it is absent, empty or no text. */
export function textOf(given: JsonObject, name: string, fallback = ''): string {
  const value = given[name];
  return typeof value === 'string' && value !== '' ? value : fallback;
}
