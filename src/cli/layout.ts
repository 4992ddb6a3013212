import type { Help } from 'commander';
import stringWidth from 'fast-string-width';
import { wrapAnsi } from 'fast-wrap-ansi';
import type { TextSink } from './io.ts';

/** Columns where a terminal does not tell its width. */
export const DEFAULT_WIDTH = 80;
/** The narrowest column of a table in which text is wrapped. */
const MIN_WIDTH = 20;

/** The narrowest column in which help is wrapped. Below, the text of an option follows on lines of its own. */
export const MIN_HELP = 20;

/** Scripts without spaces between words, whose lines break anywhere. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Returns the columns of a terminal; undefined for a file or a pipe, whose lines are not wrapped. */
export function widthOf(sink: TextSink): number | undefined {
  // Some terminals, such as those of containers, report 0 columns.
  return sink.isTTY === true ? sink.columns || DEFAULT_WIDTH : undefined;
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
        Math.max(width - indent.length, MIN_WIDTH / 2),
        { trim: false, hard: UNSPACED.test(line) },
      ).split('\n');
      return [`${lead}${first.trimEnd()}`, ...rest.map((part) => `${indent}${part.trim()}`)].join('\n');
    })
    .join('\n');
}

/** Returns a line that fits into some columns, with an ellipsis if it was cut. */
export function cutToWidth(line: string, width: number): string {
  if (stringWidth(line) <= width) return line;
  const [first = ''] = wrapAnsi(line, width - 1, { trim: false, hard: true, wordWrap: false }).split('\n');
  return `${first}…`;
}

interface TableOptions {
  readonly width?: number | undefined;
  /** The columns to omit from a table that is wider than `width`, the least important first. */
  readonly omit?: readonly number[];
}

/**
 * Returns aligned columns, two spaces apart. The last one is not padded, and wraps below itself. Where even that is too
 * wide, the first column has a line of its own and the others follow below it.
 */
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
  if (width !== undefined && widths.length > 1 && total > width && width - before < MIN_WIDTH) {
    return rows.map((row) => stacked(row, width)).join('\n');
  }
  const last = width === undefined ? undefined : width - before;
  return rows
    .map((row) => {
      const cells = row.slice(0, -1).map((cell, column) => pad(cell, widths[column] ?? 0));
      const end = wrap(row.at(-1) ?? '', last);
      const isTooWide = last !== undefined && end.split('\n').some((line) => stringWidth(line) > last);
      if (isTooWide) return `${cells.join('  ').trimEnd()}\n${wrap(`  ${row.at(-1) ?? ''}`, width)}`;
      return [...cells, end.replaceAll('\n', `\n${' '.repeat(before)}`)].join('  ').trimEnd();
    })
    .join('\n');
}

function stacked([first = '', ...others]: readonly string[], width: number): string {
  const rest = others.filter((cell) => cell.trim() !== '').map((cell) => cell.trim());
  return [wrap(first, width), ...(rest.length === 0 ? [] : [wrap(`  ${rest.join('  ')}`, width)])].join('\n');
}

/** Formats an option or a command of a help text, as commander does where the terminal is wide enough. */
export function formatItem(term: string, termWidth: number, text: string, { helpWidth }: Help): string {
  const width = helpWidth ?? DEFAULT_WIDTH;
  if (width - termWidth - 4 < MIN_HELP) return `  ${term}\n${wrap(`      ${text}`, width)}`;
  return table([[`  ${term.padEnd(termWidth)}`, text]], { width });
}

/** Returns a command for a shell, wrapped between its words and continued with a backslash. */
export function wrapCommand(command: string, width: number | undefined, indent = '  '): string {
  const words = command.match(/(?:'[^']*'|"[^"]*"|\S)+/g) ?? [];
  const lines: string[] = [];
  let line = indent;
  for (const word of words) {
    const isFirst = line.trim() === '';
    if (!isFirst && width !== undefined && stringWidth(`${line} ${word}`) > width - 2) {
      lines.push(`${line} \\`);
      line = `${indent}  ${word}`;
    } else line += isFirst ? word : ` ${word}`;
  }
  return [...lines, line].join('\n');
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - stringWidth(cell)));
}
