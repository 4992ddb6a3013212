/** Returns whether a Dify version is that release or a later one; undefined if Dify does not report its version. */
export function isSince(version: string | undefined, release: string): boolean | undefined {
  const own = rankOf(version ?? '');
  return own === undefined ? undefined : own >= (rankOf(release) ?? 0);
}

/** Returns a number that grows with the version. Each call on the account road compares versions. */
function rankOf(version: string): number | undefined {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  return parts?.reduce((rank, part) => rank * 10_000 + part, 0);
}
