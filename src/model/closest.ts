/** Returns the candidate that a mistyped word most likely means; undefined if none is similar. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  return closestMatches(word, candidates, 1)[0];
}

/** Returns up to `count` candidates that a mistyped word may mean, the likeliest first. */
export function closestMatches(word: string, candidates: Iterable<string>, count: number): string[] {
  const wanted = normalised(word);
  if (wanted === '') return [];
  const scored: { candidate: string; score: number }[] = [];
  for (const candidate of candidates) {
    const score = distance(wanted, normalised(candidate));
    if (score !== undefined) scored.push({ candidate, score });
  }
  scored.sort((a, b) => a.score - b.score || (a.candidate < b.candidate ? -1 : 1));
  return scored.slice(0, count).map(({ candidate }) => candidate);
}

/** Returns names as advice that ends a message: ` Did you mean a or b?`; empty if there are none. */
export function didYouMean(names: readonly string[]): string {
  return names.length === 0 ? '' : ` Did you mean ${names.join(' or ')}?`;
}

function normalised(word: string): string {
  return word
    .slice(0, 128)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');
}

/** Returns the distance of two normalised words; undefined if they differ by more than a typing error. */
function distance(wanted: string, have: string): number | undefined {
  if (wanted === have) return 0;
  if (have.length >= 3 && wanted.length >= 3 && (have.includes(wanted) || wanted.includes(have))) {
    return 1 + Math.abs(have.length - wanted.length) / 100;
  }
  // Two swapped letters count as two edits.
  const limit = wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3));
  if (Math.abs(wanted.length - have.length) > limit) return undefined;
  const edits = editDistance(wanted, have);
  return edits <= limit ? 1 + edits : undefined;
}

/** Returns the number of insertions, deletions and replacements that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
