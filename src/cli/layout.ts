import stringWidth from 'fast-string-width';
import { wrapAnsi } from 'fast-wrap-ansi';
import type { TextSink } from './io.ts';

/** Columns where a terminal does not tell its width. */
export const DEFAULT_WIDTH = 80;
/** The narrowest column in which text is wrapped. */
const MIN_WIDTH = 20;

/** Returns the columns of a terminal; undefined for a file or a pipe, whose lines are not wrapped. */
export function widthOf(sink: TextSink): number | undefined {
  return sink.isTTY === true ? (sink.columns ?? DEFAULT_WIDTH) : undefined;
}

/** Returns the columns for help, which is wrapped in a file or a pipe too. */
export function helpWidthOf(sink: TextSink): number {
  return widthOf(sink) ?? DEFAULT_WIDTH;
}

/**
 * Wraps the lines of a text by words. Further lines begin below the first word after the indent and the mark of a list
 * item, or `hang` columns further.
 */
export function wrap(text: string, width: number | undefined, hang = 0): string {
  if (width === undefined) return text;
  return text
    .split('\n')
    .map((line) => {
      const lead = /^ *(?:- |fix: )?/.exec(line)?.[0] ?? '';
      const indent = ' '.repeat(lead.length + hang);
      const [first = '', ...rest] = wrapAnsi(
        line.slice(lead.length),
        Math.max(width - indent.length, MIN_WIDTH),
        {
          trim: false,
        },
      ).split('\n');
      return [`${lead}${first.trimEnd()}`, ...rest.map((part) => `${indent}${part.trim()}`)].join('\n');
    })
    .join('\n');
}

interface TableOptions {
  readonly width?: number | undefined;
  /** The columns to omit from a table that is wider than `width`, the least important first. */
  readonly omit?: readonly number[];
}

/** Returns aligned columns, two spaces apart. The last one is not padded, and wraps below itself. */
export function table(rows: readonly (readonly string[])[], { width, omit = [] }: TableOptions = {}): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => stringWidth(row[column] ?? ''))),
  );
  const total = widths.reduce((sum, one) => sum + one, 2 * (widths.length - 1));
  const [least, ...others] = omit;
  if (width !== undefined && total > width && least !== undefined) {
    const narrower = rows.map((row) => row.filter((_, column) => column !== least));
    return table(narrower, { width, omit: others.map((column) => (column > least ? column - 1 : column)) });
  }
  const before = total - (widths.at(-1) ?? 0);
  const last = width === undefined ? undefined : Math.max(width - before, MIN_WIDTH);
  return rows
    .map((row) => {
      const cells = row.slice(0, -1).map((cell, column) => pad(cell, widths[column] ?? 0));
      const end = wrap(row.at(-1) ?? '', last).replaceAll('\n', `\n${' '.repeat(before)}`);
      return [...cells, end].join('  ').trimEnd();
    })
    .join('\n');
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - stringWidth(cell)));
}
