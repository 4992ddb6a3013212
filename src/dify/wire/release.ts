/** Returns whether a Dify version is that release or a later one; undefined if Dify does not report its version. */
export function isSince(version: string | undefined, release: string): boolean | undefined {
  const [numbers] = /^\d+\.\d+\.\d+/.exec(version ?? '') ?? [];
  return numbers === undefined ? undefined : numbers.localeCompare(release, 'en', { numeric: true }) >= 0;
}
