import type { Readable, Writable } from 'node:stream';
import { BridgeError } from '../model/errors.ts';
import type { FormCheck, SecretOptions } from '../setup/sign-in-talk.ts';

export interface Choice<T> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

/** Asks a person at a terminal. Every question rejects with `cancelled` if the person aborts it. */
export type Prompter = Awaited<ReturnType<typeof createPrompter>>;

/** Returns a prompter for a terminal. Questions go to `output`, separate from results. */
export async function createPrompter(input: Readable, output: Writable) {
  const { confirm, isCancel, password, S_BAR, select, text } = await import('@clack/prompts');
  const streams = { input, output };
  const answer = <T>(value: T): Exclude<T, symbol> => {
    if (!isCancel(value)) return value as Exclude<T, symbol>;
    throw new BridgeError('cancelled', 'Given up.');
  };
  const needed = (check?: FormCheck) => (value: string | undefined) =>
    value === undefined || value.trim() === ''
      ? 'Please type something, or press Ctrl+C.'
      : check?.(value.trim());
  return {
    /** The line at the left of questions. */
    bar: S_BAR,
    text: async (message: string, suggestion?: string, check?: FormCheck): Promise<string> =>
      answer(
        await text({
          ...streams,
          message,
          ...(suggestion === undefined
            ? { validate: needed(check) }
            : {
                placeholder: suggestion,
                defaultValue: suggestion,
                validate: (value) => (value ? check?.(value.trim()) : undefined),
              }),
        }),
      ).trim(),
    /** `exact` keeps spaces around the answer, which a password may have and a key that is pasted does not. */
    secret: async (message: string, { check, exact = false }: SecretOptions = {}): Promise<string> => {
      const typed = answer(await password({ ...streams, message, mask: '', validate: needed(check) }));
      return exact ? typed : typed.trim();
    },
    select: async <T>(message: string, choices: readonly Choice<T>[]): Promise<T> => {
      const options = choices.map((choice, index) => ({ ...choice, value: index }));
      const index = answer(await select({ ...streams, message, options }));
      return (choices[index] as Choice<T>).value;
    },
    confirm: async (message: string, initialValue: boolean): Promise<boolean> =>
      answer(await confirm({ ...streams, message, initialValue })),
  };
}
