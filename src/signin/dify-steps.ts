import { accountSession } from '../dify/account/account-session.ts';
import { createConsole } from '../dify/console/console.ts';
import { type ConsoleTokens, sendLogin } from '../dify/console/login.ts';
import { createConsoleSession } from '../dify/console/session.ts';
import {
  accountId,
  currentRole,
  logInByCode,
  sendEmailCode,
  type SignInWays,
  signOut,
  switchWorkspace,
  waysOf,
} from '../dify/console/sign-in.ts';
import { signInError } from '../dify/console/sign-in-errors.ts';
import type { AccountWorkspace } from '../dify/console/workspaces.ts';
import type { DifyHttp } from '../dify/wire/http.ts';
import { newLogin, type StoredLogin } from '../logins/stored-login.ts';
import { BridgeError } from '../model/errors.ts';
import { MemoryTokens } from '../setup/memory-tokens.ts';
import { roleError } from '../setup/sign-in.ts';

/** An account that Dify has signed in, before its workspace is chosen. */
export interface OpenAccount {
  readonly email: string;
  readonly tokens: ConsoleTokens;
}

/** What follows from a sign-in: a finished login, or the workspaces to choose from. */
export type Entered =
  | { readonly accountId: string; readonly login: StoredLogin }
  | { readonly choose: readonly AccountWorkspace[] };

const TIMEOUT_MS = 30_000;
/** How long the ways to sign in are not asked for again, in milliseconds. */
const WAYS_MS = 60_000;

/** The steps of signing in to one Dify. Each rejects with a BridgeError in words for the person. */
export class DifySteps {
  readonly #http: DifyHttp;
  readonly #url: string;
  #ways: { readonly ways: SignInWays; readonly until: number } | undefined;

  constructor(http: DifyHttp, url: string) {
    this.#http = http;
    this.#url = url;
  }

  async ways(): Promise<SignInWays> {
    if (this.#ways !== undefined && this.#ways.until > Date.now()) return this.#ways.ways;
    const path = '/console/api/system-features';
    const answer = await this.#http.send({ method: 'GET', path, signal: limit(), timeoutMs: TIMEOUT_MS });
    const ways = answer.status === 200 ? waysOf(await answer.json()) : undefined;
    if (ways === undefined) {
      throw new BridgeError('upstream_unavailable', 'Dify does not answer as expected.', {
        hint: 'Try again in a minute. If it lasts, tell the operator of the bridge.',
      });
    }
    this.#ways = { ways, until: Date.now() + WAYS_MS };
    return ways;
  }

  async byPassword(email: string, password: string): Promise<OpenAccount> {
    const credentials = { email, password };
    const { tokens, reply } = await sendLogin(this.#http, credentials, this.#http.version(), TIMEOUT_MS);
    if (tokens === undefined) throw signInError(reply, email);
    return { email, tokens };
  }

  /** Resolves with the token that belongs to the code that Dify sends. */
  sendCode(email: string): Promise<string> {
    return sendEmailCode(this.#http, email, limit());
  }

  async byCode(email: string, code: string, token: string): Promise<OpenAccount> {
    return { email, tokens: await logInByCode(this.#http, { email, code, token }, this.#http.version()) };
  }

  /** Enters a workspace: the chosen one, or the only one. An account of several must choose. */
  async enter({ email, tokens }: OpenAccount, chosen: string | undefined): Promise<Entered> {
    const store = new MemoryTokens(tokens, email);
    const credentials = { kind: 'stored', email, store } as const;
    const session = accountSession(createConsoleSession(this.#http, credentials));
    const all = await createConsole(this.#http, credentials, undefined, session).workspaces(limit());
    const [first] = all;
    if (first === undefined) {
      throw new BridgeError('upstream_forbidden', 'The account is not a member of a workspace in use.', {
        hint: 'Ask the owner of a workspace in Dify for an invitation.',
      });
    }
    const workspace = all.length === 1 ? first : all.find(({ id }) => id === chosen);
    if (workspace === undefined) return { choose: all };
    if (!workspace.current) await switchWorkspace(session, workspace.id, limit());
    const tooLow = roleError(await currentRole(session, limit()), `"${workspace.name}"`);
    if (tooLow !== undefined) throw tooLow;
    const id = await accountId(session, limit());
    return { accountId: id, login: newLogin(this.#url, email, workspace, store.tokens) };
  }

  /** Ends a login that was not finished. */
  async leave({ tokens }: OpenAccount): Promise<void> {
    await signOut(this.#http, tokens).catch(() => undefined);
  }
}

function limit(): AbortSignal {
  return AbortSignal.timeout(TIMEOUT_MS);
}
