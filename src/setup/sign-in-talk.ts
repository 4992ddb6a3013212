import { BridgeError, type Problem } from '../model/errors.ts';
import { emailProblem } from './answer-forms.ts';

/** Returns what is wrong with the form of an answer; undefined if nothing is. */
export type FormCheck = (text: string) => string | undefined;

export interface SecretOptions {
  readonly check?: FormCheck;
  /** Keeps spaces around the answer. */
  readonly exact?: boolean;
}

export interface Choice<T> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

/** A person who answers questions. The prompter of the command line is one. */
export interface Asker {
  text(message: string, suggestion?: string, check?: FormCheck): Promise<string>;
  secret(message: string, options?: SecretOptions): Promise<string>;
  select<T>(message: string, choices: readonly Choice<T>[]): Promise<T>;
  confirm(message: string, initialValue: boolean): Promise<boolean>;
}

/** Answers given beforehand, by flags and environment. */
export interface SignInAnswers {
  readonly url?: string | undefined;
  readonly email?: string | undefined;
  readonly password?: string | undefined;
  /** The code of a mail, and the token that came when it was sent. */
  readonly code?: string | undefined;
  readonly codeToken?: string | undefined;
  /** ID or name of the workspace. */
  readonly workspace?: string | undefined;
  /** Agrees to the app, and to switching the workspace. */
  readonly yes?: boolean | undefined;
}

/** A sign-in: who answers, and who is informed. */
export interface SignInTalk {
  /** Undefined if nobody can be asked: the given answers must suffice. */
  readonly asker: Asker | undefined;
  readonly given: SignInAnswers;
  /** The file of the stored logins. */
  readonly file: string;
  readonly signal: AbortSignal;
  /** Informs the person of progress and of warnings. */
  readonly note: (text: string) => void;
  /** Shows an error after which the question is asked again. */
  readonly show: (error: BridgeError) => void;
}

/** Throws `usage` for an answer of the wrong form, and with every answer that is missing if nobody can be asked. */
export function requireAnswers({ asker, given }: SignInTalk): void {
  const wrong = given.email === undefined ? undefined : emailProblem(given.email);
  if (wrong !== undefined) {
    throw new BridgeError('usage', `${JSON.stringify(given.email)} is not an e-mail address.`, {
      hint: wrong,
    });
  }
  if (asker !== undefined) return;
  const { url, email, password, code, codeToken, yes } = given;
  const hasCode = code !== undefined && codeToken !== undefined;
  const problems: (Problem | false)[] = [
    url === undefined && { path: 'URL', message: `Dify's address: an argument, or DIFY_URL` },
    email === undefined && { path: '--email', message: 'the e-mail address of the account, or DIFY_EMAIL' },
    password === undefined &&
      !hasCode && {
        path: '--password-file',
        message: 'a file with the password, or DIFY_PASSWORD; or --send-code, then --code and --code-token',
      },
    yes !== true && {
      path: '--yes',
      message: 'agrees that the app "MCP bridge", in which tools run, is made in the workspace',
    },
  ];
  const missing = problems.filter((problem) => problem !== false);
  if (missing.length === 0) return;
  throw new BridgeError('usage', 'Without a terminal, signing in needs all answers at once.', {
    problems: missing,
    hint: 'In a terminal, dify-mcp-bridge login asks for them.',
  });
}

/**
 * Returns the checked answer. If a person is present, shows why an answer is wrong and asks again; otherwise throws.
 * `isOver` ends the questions.
 */
export async function askUntil<T, R>(
  { asker, signal, show }: Pick<SignInTalk, 'asker' | 'signal' | 'show'>,
  question: {
    readonly given: T | undefined;
    readonly ask: (asker: Asker) => Promise<T>;
    readonly check: (answer: T) => Promise<R>;
    readonly isOver?: (error: BridgeError) => boolean;
  },
): Promise<R> {
  let answer = question.given;
  for (;;) {
    if (answer === undefined && asker === undefined) throw new Error('Nobody can be asked.');
    answer ??= await question.ask(asker as Asker);
    try {
      return await question.check(answer);
    } catch (error) {
      const isWrong = error instanceof BridgeError && error.code !== 'internal' && !signal.aborted;
      if (!isWrong || asker === undefined || question.isOver?.(error) === true) throw error;
      show(error);
      answer = undefined;
    }
  }
}
