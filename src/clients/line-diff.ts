import { cutText } from '../model/cut-text.ts';
import { diffArrays } from 'diff';

/** Lines of context around a change. */
const CONTEXT = 2;
/** Longer lines come from files that a program wrote on one line. */
const MAX_LINE = 200;
/** Texts that need more line insertions and removals than this are shown completely. */
const MAX_EDITS = 1000;

const SECRET_NAME = /key|token|secret|password|authorization|credential/i;

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/**
 * Returns the lines in which two JSON texts differ, each after `-` or `+`, with a few context lines after
 * a space. Omits possible secrets: values whose names suggest one, and all values of unchanged lines.
 */
export function lineDiff(before: string, after: string): readonly string[] {
  const lines = compare(linesOf(before), linesOf(after));
  const isShown = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ sign }) => sign !== ' '),
  );
  return lines.flatMap((line, index) => {
    if (isShown[index] === true) return [`${line.sign} ${shown(line)}`];
    return index > 0 && isShown[index - 1] === true && isShown.includes(true, index) ? ['  …'] : [];
  });
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function compare(old: string[], now: string[]): Line[] {
  const changes = diffArrays(old, now, { maxEditLength: MAX_EDITS }) ?? [
    { value: old, removed: true, added: false },
    { value: now, removed: false, added: true },
  ];
  return changes.flatMap(({ value, removed, added }) =>
    value.map((text): Line => ({ sign: removed ? '-' : added ? '+' : ' ', text })),
  );
}

const STRING = /"(?:[^"\\]|\\.)*"/g;

function shown({ sign, text }: Line): string {
  if (sign === ' ' || text.length > MAX_LINE) return cutText(text.replace(STRING, hideUnlessKey), MAX_LINE);
  return text.replace(
    /("(?:[^"\\]|\\.)*")(\s*:\s*)"((?:[^"\\]|\\.)*)"/g,
    (pair, name: string, colon: string, value: string) =>
      SECRET_NAME.test(name) && !value.includes('${') ? `${name}${colon}"…"` : pair,
  );
}

function hideUnlessKey(quoted: string, offset: number, line: string): string {
  return /^\s*:/.test(line.slice(offset + quoted.length)) ? quoted : '"…"';
}
