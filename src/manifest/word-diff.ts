/** A stretch of text that both texts have, or only one of them. */
export interface WordDifference {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Most comparisons of words that a difference is worth; beyond, the parts that differ stand as a whole. */
const MAX_COMPARISONS = 4_000_000;

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** What was taken out of a text and put into it, word by word in any script, in reading order. */
export function compareWords(before: string, after: string): WordDifference[] {
  const [old, now] = [wordsOf(before), wordsOf(after)];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  const room = Math.min(old.length, now.length) - start;
  while (end < room && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const result: WordDifference[] = [];
  const push: Push = (kind, words) => {
    const text = words.join('');
    const last = result.at(-1);
    if (text !== '' && last?.kind === kind) result[result.length - 1] = { kind, text: last.text + text };
    else if (text !== '') result.push({ kind, text });
  };
  push('same', old.slice(0, start));
  compareMiddle(old.slice(start, old.length - end), now.slice(start, now.length - end), push);
  push('same', old.slice(old.length - end));
  return joined(result);
}

type Push = (kind: WordDifference['kind'], words: readonly string[]) => void;

/** Whether what two changes have between them is too little to tell them apart. */
function isBetween(text: string, removed: string, added: string): boolean {
  if (removed === '' && added === '') return false;
  return /^\s*$/.test(text) || (removed !== '' && added !== '' && !/[\p{L}\p{N}]/u.test(text));
}

/** With words that were replaced one after another, and have but spaces in common, as one replacement. */
function joined(parts: readonly WordDifference[]): WordDifference[] {
  const result: WordDifference[] = [];
  let [removed, added] = ['', ''];
  const flush = (): void => {
    if (removed !== '') result.push({ kind: 'removed', text: removed });
    if (added !== '') result.push({ kind: 'added', text: added });
    [removed, added] = ['', ''];
  };
  for (const [index, { kind, text }] of parts.entries()) {
    if (kind === 'removed') removed += text;
    else if (kind === 'added') added += text;
    else if (index < parts.length - 1 && isBetween(text, removed, added)) {
      removed += text;
      added += text;
    } else {
      flush();
      result.push({ kind, text });
    }
  }
  flush();
  return result;
}

function compareMiddle(old: readonly string[], now: readonly string[], push: Push): void {
  if (old.length * now.length > MAX_COMPARISONS) {
    push('removed', old);
    push('added', now);
    return;
  }
  const width = now.length + 1;
  // Lengths of the longest common subsequences of what follows each pair of words.
  const lengths = new Uint32Array((old.length + 1) * width);
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = now.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        old[row] === now[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  let [row, column] = [0, 0];
  while (row < old.length && column < now.length) {
    if (old[row] === now[column]) {
      push('same', old.slice(row, row + 1));
      row += 1;
      column += 1;
    } else if (at(row + 1, column) >= at(row, column + 1)) {
      push('removed', old.slice(row, row + 1));
      row += 1;
    } else {
      push('added', now.slice(column, column + 1));
      column += 1;
    }
  }
  push('removed', old.slice(row));
  push('added', now.slice(column));
}

function wordsOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
