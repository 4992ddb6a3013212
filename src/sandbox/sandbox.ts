import { randomBytes, randomUUID } from 'node:crypto';
import { SandboxAccount } from './account-apps.ts';
import { createApp } from './app.ts';
import { featuresOf } from './features.ts';
import { createSandboxFiles } from './files.ts';
import { listen } from './listener.ts';
import { createPetService } from './pet-service.ts';
import { RequestLog, type SandboxRequest } from './request-log.ts';
import type { SandboxProvider } from './provider.ts';
import { SandboxSessions } from './sessions.ts';
import { SandboxSignIn } from './sign-in.ts';
import { createSigner, queryString } from './signing.ts';
import type { App, SandboxCredentials, SandboxState } from './state.ts';
import { toolSet, type ToolSetName } from './tool-sets.ts';
import { SandboxWorkspace } from './workspace.ts';

/** How a sandbox is started. */
export interface SandboxOptions {
  /** 0 (default) chooses any free port. */
  readonly port?: number;
  /**
   * `demo` (default): tools for people. `files`: tools that take and return files. `long`: tools that
   * take as long as requested. Or the caller's own providers.
   */
  readonly tools?: ToolSetName | readonly SandboxProvider[] | undefined;
  /**
   * The release whose wire behaviour the sandbox has; 1.13.0 by default. The recorded 1.12.1 differs only
   * in one bug, which the sandbox reproduces: its workflow tools cannot return files.
   */
  readonly version?: string;
  /** Cookie names begin with `__Host-`, as in an installation behind https. */
  readonly secureCookies?: boolean;
  /** The e-mail address of the account. An account and a workspace with a given one have IDs of their own. */
  readonly email?: string | undefined;
  /** How long an access token lives, in seconds; an hour by default. */
  readonly accessSeconds?: number | undefined;
}

/** An embedded Dify: console, inner API and files on a loopback port of this process. */
export interface Sandbox {
  /** `http://127.0.0.1:PORT`, the base of all addresses. */
  readonly url: string;
  readonly version: string;
  readonly credentials: SandboxCredentials;
  /** The workspace, which can change while the sandbox runs. */
  readonly workspace: SandboxWorkspace;
  readonly sessions: SandboxSessions;
  /** The account's apps and rights. */
  readonly account: SandboxAccount;
  readonly signIn: SandboxSignIn;
  /** The last thousand requests, oldest first. */
  readonly requests: readonly SandboxRequest[];
  /** Resolves with the next request to a path. Rejects if the sandbox closes first. */
  nextRequest(path: string): Promise<SandboxRequest>;
  /** Makes the next `count` upload links expired. */
  expireUploads(count: number): void;
  /** Stops listening and closes every connection, which aborts running tools. */
  close(): Promise<void>;
}

const WORKSPACE_ID = '5a4db0c5-0000-4000-8000-000000000001';
const ACCOUNT_ID = '5a4db0c5-0000-4000-8000-000000000002';

/** Starts a sandbox with new random secrets. Rejects with `port_unavailable`. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const version = options.version ?? '1.13.0';
  const log = new RequestLog();
  const petService = createPetService();
  const petServer = await listen(0, () => petService);
  // The application needs the address, which is known only after the server listens.
  let app: App | undefined;
  const server = await listen(options.port ?? 0, () => app as App).catch(async (error: unknown) => {
    await petServer.close();
    throw error;
  });

  const [workspaceId, accountId] =
    options.email === undefined ? [WORKSPACE_ID, ACCOUNT_ID] : [randomUUID(), randomUUID()];
  const credentials: SandboxCredentials = {
    innerApiKey: secret('inner-key'),
    workspaceId,
    accountId,
    adminApiKey: secret('admin-key'),
    email: options.email ?? 'sandbox@example.com',
    password: secret('password'),
    secretKey: secret('secret-key'),
  };
  const signer = createSigner(credentials.secretKey);
  const features = featuresOf(version);
  const files = createSandboxFiles(
    (file) => `${server.url}${file.path}?${queryString(signer.download(file.id))}`,
    undefined,
    undefined,
    features.namedExtensions,
  );
  const { tools = 'demo' } = options;
  const providers = typeof tools === 'string' ? toolSet(tools, petServer.url) : tools;
  const workspace = new SandboxWorkspace(workspaceId, 'Sandbox workspace', providers);
  const sessions = new SandboxSessions(credentials.secretKey, accountId, options.accessSeconds);
  const account = new SandboxAccount(workspace);
  const signIn = new SandboxSignIn();
  let expired = 0;
  const state: SandboxState = {
    url: server.url,
    version,
    features,
    credentials,
    secureCookies: options.secureCookies ?? false,
    workspace,
    sessions,
    account,
    signIn,
    files,
    signer,
    expiredUploads: {
      take() {
        expired -= 1;
        return expired >= 0;
      },
    },
  };
  app = createApp(state, log);
  return {
    url: server.url,
    version,
    credentials,
    workspace,
    sessions,
    account,
    signIn,
    requests: log.requests,
    nextRequest: (path) => log.next(path),
    expireUploads(count) {
      expired = count;
    },
    async close() {
      log.close();
      await Promise.all([server.close(), petServer.close()]);
      files.close();
    },
  };
}

function secret(name: string): string {
  return `sandbox-${name}-${randomBytes(12).toString('hex')}`;
}
