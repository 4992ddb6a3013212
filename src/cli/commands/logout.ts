import { removeSharedLogins } from '../../app/operator-login.ts';
import { signOut } from '../../dify/console/sign-in.ts';
import { createDifyHttp } from '../../dify/wire/http.ts';
import { deleteLogin, readLogins } from '../../logins/login-file.ts';
import { isSameLogin, type StoredLogin } from '../../logins/stored-login.ts';
import { asBridgeError, BridgeError } from '../../model/errors.ts';
import { candidatesOf } from '../../setup/dify-address.ts';
import { type CommandContext, storedLogins, wholeConfigOf } from '../session.ts';

interface LogoutOptions {
  readonly email?: string | undefined;
  readonly all?: true | undefined;
}

export async function run(context: CommandContext, options: LogoutOptions, url?: string): Promise<number> {
  const { output } = context;
  const { file } = storedLogins(context);
  const logins = chosen(await readLogins(file), options, url);
  // Before the file, so that a second run can do it if Redis does not answer.
  const shared = logins.length === 0 ? [] : await removeShared(context, logins);
  const ended: { url: string; email: string; workspace: string; endedInDify: boolean }[] = [];
  for (const login of logins) {
    const removed = [await deleteLogin(file, login), ...shared.filter((one) => isSameLogin(one, login))];
    let problem: BridgeError | undefined;
    // Dify accepts only the copy that was renewed last.
    for (const copy of removed) problem = (copy && (await endInDify(copy))) ?? problem;
    const { url: at, email, workspaceName } = login;
    if (problem !== undefined) {
      output.warn(
        `The login of ${email} is deleted here, but Dify could not end it: ${problem.message} It ends by itself when it is not used for 30 days.`,
      );
    }
    ended.push({ url: at, email, workspace: workspaceName, endedInDify: problem === undefined });
  }
  output.data({ ended }, () =>
    ended.length === 0
      ? 'No login is stored.'
      : ended.map(({ url: at, email }) => `Signed out of ${at} as ${email}.`).join('\n'),
  );
  return 0;
}

async function removeShared(
  context: CommandContext,
  logins: readonly StoredLogin[],
): Promise<readonly StoredLogin[]> {
  const { config } = await wholeConfigOf(context, false);
  return removeSharedLogins(config, logins).catch((thrown: unknown) => {
    const { code, message, cause } = asBridgeError(thrown);
    if (code !== 'state_unavailable') throw thrown;
    throw new BridgeError(code, `${message} Nobody was signed out.`, {
      hint: 'Run logout again when Redis answers. To end the login here alone, run it without state.redisUrl.',
      cause,
    });
  });
}

/** Resolves with the reason if Dify could not end the login. */
async function endInDify({ url, tokens }: StoredLogin): Promise<BridgeError | undefined> {
  const http = createDifyHttp({ baseUrl: url });
  try {
    await signOut(http, tokens);
    return undefined;
  } catch (error) {
    return asBridgeError(error);
  } finally {
    await http.close();
  }
}

function chosen(
  logins: readonly StoredLogin[],
  { email, all }: LogoutOptions,
  url: string | undefined,
): readonly StoredLogin[] {
  const places = url === undefined ? undefined : candidatesOf(url);
  const found = logins.filter(
    (login) =>
      (places === undefined || places.includes(login.url)) &&
      (email === undefined || login.email.toLowerCase() === email.toLowerCase()),
  );
  const named = logins.map((login) => `${login.url} as ${login.email} (${login.workspaceName})`).join(', ');
  if (found.length === 0 && (url !== undefined || email !== undefined)) {
    const hint = logins.length === 0 ? 'No login is stored.' : `Stored: ${named}.`;
    throw new BridgeError('usage', 'No such login is stored.', { hint });
  }
  if (all === true || found.length < 2) return found;
  // The first login is the one that the bridge uses.
  if (url === undefined && email === undefined) return found.slice(0, 1);
  throw new BridgeError('usage', 'Several logins fit.', {
    hint: `Name the account with --email, or end all of them with --all. Stored: ${named}.`,
  });
}
