/** The candidate that a misspelt word most likely stands for; undefined when none is close. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  // Two letters changed places are two edits.
  const limit = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The message about a key that does not exist, with the one it most likely stands for. */
export function noSuchSetting(key: string, known: readonly string[]): string {
  const close = suggest(key, known);
  return `no such setting; ${close === undefined ? `known here: ${known.join(', ')}` : `did you mean ${close}?`}`;
}

/** Levenshtein's distance: insertions, deletions and replacements, one each. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
