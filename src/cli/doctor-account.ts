import type { App } from '../app/app.ts';
import { openAccount } from '../app/road.ts';
import type { AccountConnection } from '../config/connection.ts';
import { probeFile } from '../dify/account/probe-file.ts';
import { currentRole } from '../dify/console/sign-in.ts';
import { createFileOpener } from '../dify/files/opener.ts';
import { createDifyHttp, type DifyHttp } from '../dify/wire/http.ts';
import { readLogins } from '../logins/login-file.ts';
import type { LoginStore } from '../logins/login-store.ts';
import { isSameLogin } from '../logins/stored-login.ts';
import { cutText } from '../model/cut-text.ts';
import type { BridgeError } from '../model/errors.ts';
import type { Registry } from '../model/registry.ts';
import { roleError } from '../setup/sign-in.ts';
import { appFinding, failure, type Finding, pass, skip, workspaceFinding } from './doctor-checks.ts';
import { ageOf, endText } from './login-facts.ts';
import { textOf } from './saved-files.ts';

/** A named finding; several names share a finding that skips them. */
export type Step = Finding & { readonly names: readonly string[] };

/** Runs a tool in a bridge that has listed its tools. */
export type RunTool = (app: App, registry: Registry) => Promise<Step>;

const step = (name: string, finding: Finding): Step => ({ names: [name], ...finding });

/** Returns the steps that a failed one skips, as one. */
export function skipped(names: readonly string[], cause: string): Step {
  return { names, ...skip(`Not checked, because ${cause} comes first.`) };
}

/**
 * Checks the way of an account to a tool. `published` lists the tools, and passes a running bridge to `run`, which runs
 * one of them.
 */
export async function* accountChecks(
  http: DifyHttp,
  connection: AccountConnection,
  published: (run?: RunTool) => AsyncGenerator<Step, void>,
  signal: AbortSignal,
  tokens: LoginStore | undefined,
): AsyncGenerator<Step, void> {
  const login = await loginFinding(connection);
  yield step('login', login);
  if (login.status === 'fail') {
    yield skipped(['workspace', 'role', 'app', 'catalogue', 'run', 'file'], 'the login');
    return;
  }
  const { console, session, app } = openAccount(http, connection, undefined, tokens);
  const workspace = await workspaceFinding(console, connection.console, signal);
  yield step('workspace', workspace);
  // A second login after a refused one would bring the account closer to a lock.
  if (workspace.status === 'fail') {
    yield skipped(['role', 'app', 'catalogue', 'run', 'file'], 'the workspace');
    return;
  }
  const role = await roleFinding(() => currentRole(session, signal));
  yield step('role', role);
  const found = await appFinding(app, connection.account.createApp, signal);
  yield step('app', found);
  const cause = [role, found].find(({ status }) => status === 'fail');
  if (cause !== undefined) {
    yield* published();
    yield skipped(['run', 'file'], cause === role ? 'the role' : 'the app');
    return;
  }
  // Until the app exists, nothing is changed in Dify.
  if ((await app.find(signal)) === undefined) {
    yield* published();
    yield { names: ['run', 'file'], ...skip('Not checked, because the app does not exist yet.') };
    return;
  }
  yield* published(async (bridge, registry) => step('run', await runFinding(bridge, registry, signal)));
  const files = createDifyHttp({ baseUrl: connection.account.filesUrl, secrets: http.secrets });
  try {
    const opener = createFileOpener(files, {});
    const isBack = await probeFile(session, opener, signal);
    const message = isBack
      ? 'A file went up and came back'
      : 'A file went up; this Dify gives no address of it';
    yield step('file', pass(`${message}.`));
  } catch (error) {
    yield step('file', failure(error));
  } finally {
    await files.close();
  }
}

/** Returns as whom tools are called, and how old the login is. */
async function loginFinding({ console: credential }: AccountConnection): Promise<Finding> {
  const said = (who: string): Finding => pass(`The account road, as ${who}.`);
  if (credential.kind === 'admin-key') return said("the workspace's owner (admin key)");
  if (credential.kind === 'login') return said(`${credential.email} (e-mail and password)`);
  try {
    const login = (await readLogins(credential.file)).find((one) => isSameLogin(one, credential));
    const age = login && `, signed in ${ageOf(login)} ago; the login ends ${endText(login)}`;
    return said(`${credential.email}${age ?? ''}`);
  } catch (error) {
    return failure(error);
  }
}

async function roleFinding(ask: () => Promise<string | undefined>): Promise<Finding> {
  try {
    const role = await ask();
    const error = roleError(role, 'the workspace');
    if (error !== undefined) return failure(error);
    return role === undefined
      ? skip('This Dify does not say the role.')
      : pass(`${role}, who may run tools.`);
  } catch (error) {
    return failure(error);
  }
}

/** Runs Dify's own `current_time`. */
async function runFinding(app: App, registry: Registry, signal: AbortSignal): Promise<Finding> {
  const tool = registry.tools.find(({ ref }) => ref.providerId === 'time' && ref.tool === 'current_time');
  if (tool === undefined) return skip('time/current_time is not published, so no tool was run.');
  let error: BridgeError | undefined;
  const startedAt = performance.now();
  const observer = { failed: (thrown: BridgeError) => (error = thrown) };
  const result = await app.callTool(tool.name, {}, { signal, observer });
  if (error !== undefined) return failure(error);
  const took = Math.round(performance.now() - startedAt);
  return pass(
    `time/current_time answered in ${took} ms: ${cutText(textOf(result).split('\n')[0] ?? '', 60)}`,
  );
}
