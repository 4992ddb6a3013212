import type { Readable, Writable } from 'node:stream';
import { BridgeError } from '../model/errors.ts';
import type { Choice, FormCheck, SecretOptions } from '../setup/sign-in-talk.ts';
import { DEFAULT_WIDTH } from './layout.ts';

interface Streams {
  readonly input: Readable;
  readonly output: Writable;
  readonly signal: AbortSignal;
}

/** Asks a person at a terminal. Every question rejects with `cancelled` if the person or a SIGTERM aborts it. */
export type Prompter = Awaited<ReturnType<typeof createPrompter>>;

/** Returns a prompter for a terminal. Questions go to `output`, separate from results. */
export async function createPrompter(
  input: Readable,
  output: Writable & { columns?: number },
  onSignal: (name: 'SIGTERM', listener: () => void) => () => void,
) {
  const { confirm, isCancel, password, S_BAR, select, text } = await import('@clack/prompts');
  // Some terminals, such as those of containers, report 0 columns, which would put each character on its own line.
  if (output.columns === 0) output.columns = DEFAULT_WIDTH;
  const ask = async <T>(question: (streams: Streams) => Promise<T>): Promise<Exclude<T, symbol>> => {
    const terminated = new AbortController();
    const release = onSignal('SIGTERM', () => terminated.abort());
    try {
      const value = await question({ input, output, signal: terminated.signal });
      if (!isCancel(value)) return value as Exclude<T, symbol>;
      throw new BridgeError('cancelled', 'Given up.');
    } finally {
      release();
    }
  };
  const needed = (check?: FormCheck) => (value: string | undefined) =>
    value === undefined || value.trim() === ''
      ? 'Please type something, or press Ctrl+C.'
      : check?.(value.trim());
  return {
    /** The line at the left of questions. */
    bar: S_BAR,
    text: async (message: string, suggestion?: string, check?: FormCheck): Promise<string> => {
      const form =
        suggestion === undefined
          ? { validate: needed(check) }
          : {
              placeholder: suggestion,
              defaultValue: suggestion,
              validate: (value: string | undefined) => (value ? check?.(value.trim()) : undefined),
            };
      return (await ask((streams) => text({ ...streams, message, ...form }))).trim();
    },
    /** `exact` keeps spaces around the answer, which a password may have and a key that is pasted does not. */
    secret: async (message: string, { check, exact = false }: SecretOptions = {}): Promise<string> => {
      const form = { message, mask: '', validate: needed(check) };
      const typed = await ask((streams) => password({ ...streams, ...form }));
      return exact ? typed : typed.trim();
    },
    select: async <T>(message: string, choices: readonly Choice<T>[]): Promise<T> => {
      const options = choices.map((choice, index) => ({ ...choice, value: index }));
      const index = await ask((streams) => select({ ...streams, message, options }));
      return (choices[index] as Choice<T>).value;
    },
    confirm: async (message: string, initialValue: boolean): Promise<boolean> =>
      ask((streams) => confirm({ ...streams, message, initialValue })),
  };
}
