import { type AccountConnection, filesUrlOf } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import type { HttpHost } from '../http/host.ts';
import type { HttpHostOptions } from '../http/host-options.ts';
import type { HttpView } from '../http/served-view.ts';
import type { Logger } from '../model/logger.ts';
import type { Secrets } from '../model/secrets.ts';
import type { SignIn } from '../signin/sign-in.ts';
import { recordsPath } from './files.ts';
import { PersonalWorkspaces } from './personal-workspaces.ts';
import type { SharedState } from './shared-state.ts';
import type { AccountUpstream, Workspace } from './workspace.ts';

export interface AccountParts {
  /** Returns the configuration of the latest reload. */
  readonly config: () => Config;
  readonly state: SharedState | undefined;
  /** Where the bridge's own workspace reaches Dify. */
  readonly apiUrl: string;
  readonly openWorkspace: (config: Config, upstream: AccountUpstream) => Promise<Workspace>;
  /** Returns the views of a workspace as they are served. */
  readonly serve: (workspace: Workspace) => Promise<readonly HttpView[]>;
  readonly host: () => HttpHost;
  readonly secrets: Secrets;
  readonly logger: Logger;
}

/** The accounts that sign in over HTTP, each with its own workspace. */
export interface Accounts {
  readonly signIn: SignIn;
  readonly hostOptions: Partial<HttpHostOptions>;
  /** Ends their workspaces, so that the next requests open them with the settings of a reload. */
  reopen(graceMs: number): Promise<void>;
  /** Refuses new calls, and waits up to `graceMs` for running ones. */
  stop(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

/** The shortest time that an unused workspace stays open, in milliseconds. */
const IDLE_MS = 3_600_000;

/** How long the running calls of an account that has signed out may take, in milliseconds. */
const ENDING_MS = 1000;

/** Opens what the configuration asks for; undefined if nobody signs in over HTTP. */
export async function openAccounts(parts: AccountParts): Promise<Accounts | undefined> {
  const { config, openWorkspace, serve, host, logger } = parts;
  const signIn = await openSignIn(parts);
  if (signIn === undefined) return undefined;
  const { calls, http } = config();
  const personal = new PersonalWorkspaces({
    open: async (principal) => {
      const latest = config();
      const upstream = await accountUpstream(signIn, principal, latest.dify);
      return upstream && openWorkspace({ ...latest, workspaces: {} }, upstream);
    },
    serve,
    endViews: (views, graceMs) => host().endPersonalViews(views, graceMs),
    isSignedIn: async (principal) => (await signIn.loginOf(principal)) !== undefined,
    isConnected: (principal) => host().isConnected(principal),
    idleMs: Math.max(IDLE_MS, calls.keepResults),
    logger,
  });
  signIn.onEnd((principal) => {
    // New requests are refused at once. A call that has found out that its login is over still sends its answer.
    personal
      .end(principal, ENDING_MS)
      .then(() => host().end(principal))
      .catch((error: unknown) => logger.warn('The workspace of an account could not be closed', { error }));
  });
  return {
    signIn,
    hostOptions: {
      authorizationServer: signIn,
      // Browsers send the origin with the forms of the sign-in pages.
      allowedOrigins: [...http.allowedOrigins, new URL(signIn.issuer).origin],
      personalViews: async (principal) =>
        signIn.isAccount(principal) ? personal.viewsOf(principal) : undefined,
    },
    reopen: (graceMs) => personal.endAll(graceMs),
    stop: (graceMs) => personal.close(graceMs),
    close: () => signIn.close(),
  };
}

async function openSignIn({
  config,
  state,
  apiUrl,
  secrets,
  logger,
}: AccountParts): Promise<SignIn | undefined> {
  const settings = config();
  const { key, clientDocuments, redirectHosts, emailDomains } = settings.signIn;
  const { publicUrl } = settings.http;
  if (key === undefined || publicUrl === undefined) return undefined;
  const [{ SignIn: Opened }, { FileRecords }, { fetchClientDocument }] = await Promise.all([
    import('../signin/sign-in.ts'),
    import('../signin/file-records.ts'),
    import('../signin/client-documents.ts'),
  ]);
  return Opened.open({
    publicUrl,
    difyUrl: settings.dify.url ?? apiUrl,
    key,
    backend:
      state?.signInRecords ?? (await FileRecords.open(recordsPath(settings, 'sign-in', 'records.json'))),
    rates: state?.rates,
    fetchDocument: clientDocuments ? fetchClientDocument : undefined,
    redirectHosts,
    emailDomains,
    secrets,
    logger,
  });
}

/** Resolves with how to reach Dify as the account of a principal; undefined if its login has ended. */
async function accountUpstream(
  signIn: SignIn,
  principal: string,
  dify: Config['dify'],
): Promise<AccountUpstream | undefined> {
  const known = await signIn.loginOf(principal);
  if (known === undefined) return undefined;
  const { url, email, workspaceId } = known.login;
  const connection: AccountConnection = {
    apiUrl: url,
    console: { kind: 'stored', file: '', url, email, workspaceId },
    // The person agreed to the app when allowing the client.
    account: { filesUrl: filesUrlOf(url, dify), createApp: true },
  };
  return { principal, connection, tokens: known.tokens };
}
