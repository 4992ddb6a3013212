import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import type { SandboxAccount } from './account-apps.ts';
import type { Features } from './features.ts';
import type { SandboxFiles } from './files.ts';
import { methodNotAllowed } from './refusal.ts';
import type { SandboxSessions } from './sessions.ts';
import type { SandboxSignIn } from './sign-in.ts';
import type { Signer } from './signing.ts';
import type { SandboxWorkspace } from './workspace.ts';

/** The IDs and random secrets of one sandbox. */
export interface SandboxCredentials {
  readonly innerApiKey: string;
  readonly workspaceId: string;
  readonly accountId: string;
  readonly adminApiKey: string;
  readonly email: string;
  readonly password: string;
  readonly secretKey: string;
}

/** The state that all routes of one sandbox share. */
export interface SandboxState {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly version: string;
  readonly features: Features;
  readonly credentials: SandboxCredentials;
  /** Cookie names begin with `__Host-`, as behind https. */
  readonly secureCookies: boolean;
  readonly workspace: SandboxWorkspace;
  readonly sessions: SandboxSessions;
  readonly account: SandboxAccount;
  readonly signIn: SandboxSignIn;
  readonly files: SandboxFiles;
  readonly signer: Signer;
  /** Upload links to issue as expired; `take` uses one up. */
  readonly expiredUploads: { take(): boolean };
}

/** The types of the sandbox's HTTP application, which needs Node's own request and response. */
export interface AppTypes {
  Bindings: HttpBindings;
}

/** The application to which each file adds its routes. */
export type App = Hono<AppTypes>;

/** One request to it. */
export type AppContext = Context<AppTypes>;

/** Adds a route that refuses other methods on the same path with 405. */
export function route(
  app: App,
  method: 'GET' | 'POST',
  path: string,
  handler: (c: AppContext) => Response | Promise<Response>,
): void {
  app.on(method, path, handler);
  app.all(path, () => {
    throw methodNotAllowed(method === 'GET' ? 'GET, HEAD, OPTIONS' : 'POST, OPTIONS');
  });
}
