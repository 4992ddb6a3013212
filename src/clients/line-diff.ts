/** Lines around a change that are shown. */
const CONTEXT = 2;
/** Longer lines are of files that a program wrote in one line. */
const MAX_LINE = 200;
/** Most comparisons of lines that a difference is worth; beyond, what differs stands as one block. */
const MAX_COMPARISONS = 4_000_000;

const SECRET_NAME = /key|token|secret|password|authorization|credential/i;

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/**
 * The lines by which two texts of JSON differ, each after `-` or `+`, with a few lines around them after a space.
 * What may be a secret is left out: values of names that sound like one, and every value of lines that stay.
 */
export function lineDiff(before: string, after: string): readonly string[] {
  const lines = compare(linesOf(before), linesOf(after));
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ sign }) => sign !== ' '),
  );
  return lines.flatMap((line, index) => {
    if (near[index] === true) return [`${line.sign} ${shown(line)}`];
    return index > 0 && near[index - 1] === true && near.includes(true, index) ? ['  …'] : [];
  });
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function compare(old: readonly string[], now: readonly string[]): Line[] {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  const room = Math.min(old.length, now.length) - start;
  while (end < room && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  return [
    ...signed(' ', old.slice(0, start)),
    ...compareMiddle(old.slice(start, old.length - end), now.slice(start, now.length - end)),
    ...signed(' ', old.slice(old.length - end)),
  ];
}

/** By the longest run of lines that both have in the same order. */
function compareMiddle(old: readonly string[], now: readonly string[]): Line[] {
  if (old.length * now.length > MAX_COMPARISONS) return [...signed('-', old), ...signed('+', now)];
  const common = Array.from({ length: old.length + 1 }, () => new Uint32Array(now.length + 1));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const length = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      (common[i] as Uint32Array)[j] = length;
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < old.length && j < now.length) {
    if (old[i] === now[j]) {
      lines.push({ sign: ' ', text: old[i] ?? '' });
      [i, j] = [i + 1, j + 1];
    } else if (at(i + 1, j) >= at(i, j + 1)) lines.push({ sign: '-', text: old[i++] ?? '' });
    else lines.push({ sign: '+', text: now[j++] ?? '' });
  }
  return [...lines, ...signed('-', old.slice(i)), ...signed('+', now.slice(j))];
}

function signed(sign: Line['sign'], lines: readonly string[]): Line[] {
  return lines.map((text) => ({ sign, text }));
}

const STRING = /"(?:[^"\\]|\\.)*"/g;

function shown({ sign, text }: Line): string {
  if (sign === ' ' || text.length > MAX_LINE) return cut(text.replace(STRING, hideUnlessKey));
  return text.replace(
    /("(?:[^"\\]|\\.)*")(\s*:\s*)"((?:[^"\\]|\\.)*)"/g,
    (pair, name: string, colon: string, value: string) =>
      SECRET_NAME.test(name) && !value.includes('${') ? `${name}${colon}"…"` : pair,
  );
}

function hideUnlessKey(quoted: string, offset: number, line: string): string {
  return /^\s*:/.test(line.slice(offset + quoted.length)) ? quoted : '"…"';
}

function cut(text: string): string {
  return text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
}
