import { BridgeError } from '../../src/model/errors.ts';
import type { Choice, Prompter } from '../../src/cli/prompter.ts';

/** An answer to the next question: a text or a label that fits its pattern, or what gives it when it is asked. */
export type Answer = readonly [question: RegExp, answer: string | boolean | (() => string | boolean)];

/** Gives up at its question. */
export const GIVE_UP = '(gives up)';

/** Somebody who answers as a test says, in this order, and nothing but what is asked. */
export interface ScriptedPrompter extends Prompter {
  /** The questions as they were asked, choices included. */
  readonly asked: readonly string[];
  /** Questions that were expected and not asked. */
  readonly left: () => readonly Answer[];
}

export function scriptedPrompter(script: readonly Answer[]): ScriptedPrompter {
  const rest = [...script];
  const asked: string[] = [];
  const next = (question: string): string | boolean => {
    asked.push(question);
    const [pattern, answer] = rest.shift() ?? [];
    if (pattern === undefined || answer === undefined) throw new Error(`Nobody expects: ${question}`);
    if (!pattern.test(question)) throw new Error(`Expected ${pattern}, and was asked: ${question}`);
    if (answer === GIVE_UP) throw new BridgeError('cancelled', 'Given up.');
    return typeof answer === 'function' ? answer() : answer;
  };
  return {
    asked,
    left: () => rest,
    text: async (question, suggestion) => String(next(question)) || (suggestion ?? ''),
    secret: async (question) => String(next(question)),
    confirm: async (question) => next(question) === true,
    select: async <T>(question: string, choices: readonly Choice<T>[]) => {
      const label = next(`${question} [${choices.map((choice) => choice.label).join(', ')}]`);
      const chosen = choices.find((choice) => choice.label === label);
      if (chosen === undefined) throw new Error(`No choice is called ${label}.`);
      return chosen.value;
    },
  };
}
