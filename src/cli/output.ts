import { styleText } from 'node:util';
import type { BridgeError } from '../model/errors.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import type { CliIo, TextSink } from './io.ts';
import { DEFAULT_WIDTH, widthOf, wrap } from './layout.ts';
import { asTyped } from './typed.ts';

/** The styles in use; each has one meaning. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** The output of a command: data on standard output, everything else on standard error. */
export type Output = ReturnType<typeof createOutput>;

/** Without `color`, nothing is styled (`--no-color`). */
export function createOutput(
  io: Pick<CliIo, 'stdout' | 'stderr' | 'env' | 'program'>,
  options: { readonly json: boolean; readonly color: boolean },
) {
  const { NO_COLOR: noColor, TERM: term } = io.env;
  const allowed = options.color && (noColor ?? '') === '' && term !== 'dumb';
  const paint = (style: Style, text: string, stream: 'stdout' | 'stderr' = 'stdout'): string =>
    allowed && io[stream].isTTY === true ? styleText(style, text, { validateStream: false }) : text;
  const json = options.json;
  let frame: string | undefined;
  const note = (text: string): void => {
    if (json) return;
    if (frame === undefined) return line(io.stderr, wrap(asTyped(io, text), widthOf(io.stderr)));
    const bar = paint('dim', frame, 'stderr');
    const inside = wrap(asTyped(io, text), (widthOf(io.stderr) ?? DEFAULT_WIDTH) - 3).split('\n');
    line(io.stderr, [bar, ...inside.map((one) => `${bar}  ${one}`)].join('\n'));
  };
  return {
    json,
    /** Makes notes and errors continue the frame of questions, which has this line at its left. */
    continueFrame: (bar: string): void => {
      frame = bar;
    },
    /** The columns of standard output; undefined if it is not a terminal. */
    width: widthOf(io.stdout),
    /** Returns a text for the result, wrapped to the terminal, with its commands as they are to be typed. */
    prose: (text: string, { hang }: { readonly hang?: number } = {}): string =>
      wrap(asTyped(io, text), widthOf(io.stdout), hang),
    /** Returns lines as `prose` returns a text, without the undefined ones. */
    lines: (texts: readonly (string | undefined)[]): string =>
      wrap(asTyped(io, texts.filter((one) => one !== undefined).join('\n')), widthOf(io.stdout)),
    /** Returns a styled text if the stream supports styles. */
    paint,
    /** Prints the command's result: the value as JSON, or its text. */
    data: (value: unknown, render: () => string): void =>
      line(io.stdout, json ? wellFormedJson(value, 2) : render()),
    /** Prints text as the result, in either format. */
    raw: (text: string): void => line(io.stdout, text),
    /** Prints something other than the result. Silent with `-o json`. */
    note,
    warn: (text: string): void => note(`${paint('yellow', 'warning:', 'stderr')} ${text}`),
    /** Prints an error: as lines, or as one line of JSON. */
    error: (error: BridgeError, details: Readonly<Record<string, unknown>> = {}): void => {
      if (json) line(io.stderr, wellFormedJson({ error: { ...describe(error), ...details } }));
      else note(`${paint('red', 'error:', 'stderr')} ${error.toText()}`);
    },
  };
}

/** Returns a number with its noun: `1 tool`, `3 tools`. */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}

function describe(error: BridgeError): Readonly<Record<string, unknown>> {
  const { code, message, hint, problems } = error;
  return { code, message, hint, problems: problems.length === 0 ? undefined : problems };
}

function line(sink: TextSink, text: string): void {
  sink.write(text.endsWith('\n') ? text : `${text}\n`);
}
