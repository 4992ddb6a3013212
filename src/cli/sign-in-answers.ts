import { readEnvironment } from '../config/environment.ts';
import { settingsTable } from '../config/settings.ts';
import { BridgeError } from '../model/errors.ts';
import type { SignInAnswers } from '../setup/sign-in-talk.ts';
import type { CliIo } from './io.ts';

/** The options of a sign-in. */
export interface SignInFlags {
  readonly email?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly code?: string | undefined;
  readonly codeToken?: string | undefined;
  readonly workspace?: string | undefined;
  readonly yes?: true | undefined;
}

/** Returns the answers given by flags and, below them, by the environment. Throws `config_invalid`. */
export function signInAnswers(io: Pick<CliIo, 'env'>, flags: SignInFlags, url?: string): SignInAnswers {
  const { email, passwordFile, code, codeToken, workspace, yes } = flags;
  const env =
    passwordFile === undefined
      ? io.env
      : { ...io.env, DIFY_PASSWORD: undefined, DIFY_PASSWORD_FILE: passwordFile };
  const { entries, problems } = readEnvironment(env, settingsTable());
  const ours = ['dify.url', 'dify.email', 'dify.password', 'dify.workspaceId'];
  const wrong = problems.filter(({ path }) => path !== undefined && ours.includes(path));
  if (wrong.length > 0) {
    throw new BridgeError('config_invalid', 'An answer for the sign-in cannot be read.', {
      problems: wrong.map(({ source, message }) => ({
        path: passwordFile === undefined ? source : '--password-file',
        message,
      })),
    });
  }
  const variable = (path: string): string | undefined => {
    const value = entries.find((entry) => entry.path === path)?.value;
    return typeof value === 'string' ? value : undefined;
  };
  return {
    url: url ?? variable('dify.url'),
    email: email ?? variable('dify.email'),
    password: variable('dify.password'),
    code,
    codeToken,
    workspace: workspace ?? variable('dify.workspaceId'),
    yes,
  };
}
