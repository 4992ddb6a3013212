/** Compares texts in the same order on every machine; for names, which are ASCII, by code point. */
export function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
