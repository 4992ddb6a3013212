import { diffArrays } from 'diff';

export interface WordDifference {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Texts that need more insertions and removals than this are shown completely, old and new. */
const MAX_EDITS = 1000;

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** Returns what was removed from and added to a text, word by word in any script, in reading order. */
export function compareWords(before: string, after: string): WordDifference[] {
  const [old, now] = [wordsOf(before), wordsOf(after)];
  const changes = diffArrays(old, now, { maxEditLength: MAX_EDITS }) ?? [
    { value: old, removed: true, added: false },
    { value: now, removed: false, added: true },
  ];
  const parts = changes.map(({ value, removed, added }): WordDifference => {
    return { kind: removed ? 'removed' : added ? 'added' : 'same', text: value.join('') };
  });
  return joined(parts.filter(({ text }) => text !== ''));
}

/** Returns whether the text between two changes is too short to separate them. */
function isBetween(text: string, removed: string, added: string): boolean {
  if (removed === '' && added === '') return false;
  return /^\s*$/.test(text) || (removed !== '' && added !== '' && !/[\p{L}\p{N}]/u.test(text));
}

/** Merges replaced words that only spaces separate into one replacement. */
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

/** Returns the words of a text, and what is between them. The segmenter takes time quadratic in the length of its text. */
function wordsOf(text: string): string[] {
  const pieces = text.match(/[^]{1,256}[^\s\u3002]*[\s\u3002]*/gu) ?? [];
  return pieces.flatMap((piece) => Array.from(segmenter.segment(piece), ({ segment }) => segment));
}
