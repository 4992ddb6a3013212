import { BridgeError } from '../../src/model/errors.ts';
import type { Prompter } from '../../src/cli/prompter.ts';
import type { Choice, FormCheck } from '../../src/setup/sign-in-talk.ts';

/** An answer to the next question: a text or a label that fits its pattern, or what gives it when it is asked. */
export type Answer = readonly [question: RegExp, answer: string | boolean | (() => string | boolean)];

/** Gives up at its question. */
export const GIVE_UP = '(gives up)';

/** Somebody who answers as a test says, in this order, and nothing but what is asked. */
export interface ScriptedPrompter extends Prompter {
  /** The questions as they were asked, choices included. */
  readonly asked: readonly string[];
  /** What was wrong with the form of answers. */
  readonly told: readonly string[];
  /** Questions that were expected and not asked. */
  readonly left: () => readonly Answer[];
}

export function scriptedPrompter(script: readonly Answer[]): ScriptedPrompter {
  const rest = [...script];
  const asked: string[] = [];
  const told: string[] = [];
  const next = (question: string): string | boolean => {
    asked.push(question);
    const [pattern, answer] = rest.shift() ?? [];
    if (pattern === undefined || answer === undefined) throw new Error(`Nobody expects: ${question}`);
    if (!pattern.test(question)) throw new Error(`Expected ${pattern}, and was asked: ${question}`);
    if (answer === GIVE_UP) throw new BridgeError('cancelled', 'Given up.');
    return typeof answer === 'function' ? answer() : answer;
  };
  /** An answer of the wrong form is asked for again, as at a terminal. */
  const checked = (question: string, check: FormCheck | undefined): string => {
    for (;;) {
      const answer = String(next(question));
      const problem = answer === '' ? undefined : check?.(answer);
      if (problem === undefined) return answer;
      told.push(problem);
    }
  };
  const shown = ({ label, hint }: Choice<unknown>): string =>
    hint === undefined ? label : `${label} (${hint})`;
  return {
    asked,
    told,
    left: () => rest,
    bar: '|',
    text: async (question, suggestion, check) => checked(question, check) || (suggestion ?? ''),
    secret: async (question, options) => checked(question, options?.check),
    confirm: async (question) => next(question) === true,
    select: async <T>(question: string, choices: readonly Choice<T>[]) => {
      const label = next(`${question} [${choices.map(shown).join(', ')}]`);
      const chosen = choices.find((choice) => choice.label === label);
      if (chosen === undefined) throw new Error(`No choice is called ${label}.`);
      return chosen.value;
    },
  };
}
