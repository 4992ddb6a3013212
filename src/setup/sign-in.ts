import { accountSession } from '../dify/account/account-session.ts';
import { APP_NAME, BridgeApp } from '../dify/account/bridge-app.ts';
import { describeWorkspaces } from '../dify/console/admin-key-errors.ts';
import { createConsole, type DifyConsole } from '../dify/console/console.ts';
import { type ConsoleSession, createConsoleSession } from '../dify/console/session.ts';
import { currentRole, signOut, switchWorkspace } from '../dify/console/sign-in.ts';
import type { AccountWorkspace } from '../dify/console/workspaces.ts';
import { checkLoginsWritable, storeLogin } from '../logins/login-file.ts';
import { newLogin, type StoredLogin } from '../logins/stored-login.ts';
import { BridgeError } from '../model/errors.ts';
import { MemoryTokens } from './memory-tokens.ts';
import { DIFY_CLOUD, findDify, type FoundDify } from './dify-address.ts';
import { signInAccount, type SignedInAccount } from './sign-in-account.ts';
import { askUntil, requireAnswers, type SignInTalk } from './sign-in-talk.ts';

/** A finished sign-in. */
export interface SignedIn {
  readonly login: StoredLogin;
  readonly version: string | undefined;
  /** The account's role in the workspace, if Dify says it. */
  readonly role: string | undefined;
}

const ADDRESS = "Dify's address, as your browser shows it (Enter for Dify Cloud)";
const ROLES = 'editor, admin or owner';

/**
 * Signs a person in to a Dify: asks or takes the given answers, checks everything, makes the bridge's app with the
 * person's consent and stores the login. If it rejects, the file is unchanged, and Dify is as before: the login is ended
 * there, and the account is back in its workspace.
 */
export async function signIn(talk: SignInTalk): Promise<SignedIn> {
  requireAnswers(talk);
  await checkLoginsWritable(talk.file);
  const dify = await chooseDify(talk);
  try {
    const account = await signInAccount(talk, dify);
    return await useAccount(talk, dify, account);
  } finally {
    await dify.http.close();
  }
}

/** Asks for the Dify, and warns if the password would be readable on the way. */
export async function chooseDify(talk: SignInTalk): Promise<FoundDify> {
  const { asker, signal, given } = talk;
  const dify = await askUntil(talk, {
    given: given.url,
    ask: (person) => person.text(ADDRESS, DIFY_CLOUD),
    check: (text) => findDify(text, signal),
  });
  talk.note(`Dify ${dify.version ?? 'of an unknown version'} answers at ${dify.url}.`);
  if (dify.readers === 'nobody') return dify;
  talk.note(`This address has no encryption: others on the ${dify.readers} can read your password.`);
  if (dify.readers === 'network' || asker === undefined) return dify;
  if (await asker.confirm('Sign in anyway?', false)) return dify;
  throw new BridgeError('cancelled', 'Nothing was sent.', { hint: 'Serve Dify with https, then sign in.' });
}

async function useAccount(talk: SignInTalk, dify: FoundDify, account: SignedInAccount): Promise<SignedIn> {
  const { url, http, version } = dify;
  const store = new MemoryTokens(account.tokens, account.email);
  let back: (() => Promise<unknown>) | undefined;
  try {
    const credentials = { kind: 'stored', email: account.email, store } as const;
    const session = accountSession(createConsoleSession(http, credentials));
    const console = createConsole(http, credentials, undefined, session);
    const { workspace, left } = await enterWorkspace(talk, session, console);
    if (left !== undefined) back = () => switchWorkspace(session, left.id, AbortSignal.any([]));
    const role = await currentRole(session, talk.signal);
    const tooLow = roleError(role, `"${workspace.name}"`);
    if (tooLow !== undefined) throw tooLow;
    await provideApp(talk, session, workspace);
    const login = newLogin(url, account.email, workspace, store.tokens);
    await storeLogin(talk.file, login);
    return { login, version: http.version() ?? version, role };
  } catch (error) {
    // If Dify is down, neither works, and the login expires there by itself.
    await back?.().catch(() => undefined);
    await signOut(http, store.tokens).catch(() => undefined);
    throw error;
  }
}

/** Chooses the workspace and switches to it. Resolves with the one that the account left for it, if any. */
async function enterWorkspace(talk: SignInTalk, session: ConsoleSession, console: DifyConsole) {
  const { asker, given, signal } = talk;
  const all = await console.workspaces(signal);
  if (all.length === 0) {
    throw new BridgeError(
      'upstream_forbidden',
      'The account is not a member of a workspace that is in use.',
      {
        hint: 'Ask the owner of a workspace in this Dify for an invitation. An archived workspace counts as none.',
      },
    );
  }
  const current = all.find((one) => one.current);
  const role = all.length === 1 || current === undefined ? undefined : await currentRole(session, signal);
  const hint = role === undefined ? 'your current one' : `your current one, as ${role}`;
  const workspace = await askUntil(talk, {
    given: given.workspace ?? (all.length === 1 || asker === undefined ? all[0]?.id : undefined),
    ask: (person) =>
      person.select(
        'Which workspace?',
        all.map((one) => ({ value: one.id, label: one.name, ...(one.current && { hint }) })),
      ),
    check: async (wanted) =>
      workspaceCalled(wanted, all, given.workspace === undefined && asker === undefined),
  });
  if (workspace.id === current?.id) return { workspace, left: undefined };
  const question = `Switch your account to "${workspace.name}"? Your browser shows that workspace too, from then on.`;
  if (given.yes !== true && !(await asker?.confirm(question, true))) {
    throw new BridgeError('cancelled', 'The account stays in its workspace. Nothing was stored.', {
      hint: 'An account that only the bridge uses can stay in the workspace of the bridge.',
    });
  }
  await switchWorkspace(session, workspace.id, signal);
  return { workspace, left: current };
}

function workspaceCalled(
  wanted: string,
  all: readonly AccountWorkspace[],
  mustBeOnly: boolean,
): AccountWorkspace {
  const found = all.filter(({ id, name }) => id.toLowerCase() === wanted.toLowerCase() || name === wanted);
  const [one, second] = mustBeOnly ? all : found;
  if (one !== undefined && second === undefined) return one;
  const message =
    second === undefined
      ? `The account is not a member of a workspace ${JSON.stringify(wanted)}, or it is archived.`
      : 'The account is a member of several workspaces.';
  throw new BridgeError('usage', message, {
    hint: `Name one by its id with --workspace: ${describeWorkspaces(all)}.`,
  });
}

/** Returns the error of a role that may not run tools. */
export function roleError(role: string | undefined, workspace: string): BridgeError | undefined {
  // Releases with roles of their own say whether they allow it when the app is made.
  const isTooLow = role === 'normal' || role === 'dataset_operator';
  if (!isTooLow) return undefined;
  const shown = role === 'normal' ? 'member (normal)' : role;
  return new BridgeError(
    'upstream_forbidden',
    `Your role in ${workspace} is ${shown}, which may not run tools.`,
    {
      hint: `It must be ${ROLES}. The workspace's owner or an admin grants it in Dify under Settings, Members.`,
    },
  );
}

/** Makes the bridge's app if the account has none and the person agrees. */
async function provideApp(
  { asker, given, signal }: SignInTalk,
  session: ConsoleSession,
  { name }: AccountWorkspace,
): Promise<void> {
  const app = new BridgeApp({ session, checkWorkspace: async () => undefined, mayCreate: true });
  if ((await app.find(signal)) !== undefined) return;
  const question = `Tools run in an app called "${APP_NAME}". May the bridge create it in "${name}"? Dify keeps the inputs and outputs of its runs.`;
  if (given.yes !== true && !(await asker?.confirm(question, true))) {
    throw new BridgeError('cancelled', 'Without the app, no tool can run. Nothing was stored.');
  }
  await app.create(signal);
}
