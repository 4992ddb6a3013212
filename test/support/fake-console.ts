import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** The workspace of every fixture. */
export const WORKSPACE = '7d0c3c8e-5b1f-4c55-9d0a-2f4f5f0b6a11';
export const ADMIN_KEY = 'fake-admin-key';
export const EMAIL = 'robot@example.com';
export const PASSWORD = 'grüße-1';

/** What a route answers: JSON unless `html` is given. */
export interface FakeReply {
  readonly status?: number;
  readonly json?: unknown;
  readonly html?: string;
  readonly headers?: Record<string, string | string[]>;
  /** Milliseconds before the answer. */
  readonly delayMs?: number;
  /** Called when the answer is on its way. */
  readonly onSent?: () => void;
  /** Called when the client closes the connection before the answer. */
  readonly onAborted?: () => void;
}

/** One request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export interface FakeConsoleOptions {
  /** X-Version; none is sent when absent. Decides the form of password and tokens as in Dify. */
  readonly version?: string;
  /** The version whose habits the server has, when X-Version does not tell. */
  readonly behaves?: string;
  readonly cookiePrefix?: string;
  /** Answers by `METHOD path`, asked after authentication. */
  readonly routes?: Record<string, FakeReply | (() => FakeReply)>;
  /** Answers by `METHOD path`, asked before anything else. */
  readonly overrides?: Record<string, FakeReply | (() => FakeReply)>;
  /** Workspace that the account is in. */
  readonly accountWorkspace?: string;
}

export interface FakeConsole {
  readonly url: URL;
  readonly seen: SeenRequest[];
  /** Number of requests of a path, without its query. */
  count(path: string): number;
  /** Access tokens given out so far are no longer accepted. */
  expireAccess(): void;
  /** Refresh tokens given out so far are no longer accepted. */
  expireRefresh(): void;
  /** Holds back the answers of logins until the function returned is called. */
  holdLogins(): () => void;
  setRoute(route: string, reply: FakeReply | (() => FakeReply)): void;
  close(): Promise<void>;
}

/** An HTML page as nginx, the web app and Dify's own router send it. */
export const HTML_404: FakeReply = { status: 404, html: '<!doctype html>\n<title>404 Not Found</title>\n' };

export const WORKSPACE_ROOT = '/console/api/workspaces/current';

/** Dify's console API with one account and one admin key, as far as a catalogue needs it. */
export async function startFakeConsole(options: FakeConsoleOptions = {}): Promise<FakeConsole> {
  const behaves = options.version ?? options.behaves ?? '1.12.1';
  const cookies = atLeast(behaves, [1, 9, 2]);
  const base64 = atLeast(behaves, [1, 11, 2]);
  const prefix = options.cookiePrefix ?? '';
  const routes = { ...options.routes };
  const seen: SeenRequest[] = [];
  let serial = 0;
  let access = new Set<string>();
  let refresh = new Set<string>();
  let held: Promise<void> = Promise.resolve();

  function issue(): FakeReply {
    serial += 1;
    const [a, r, c] = [`access-${serial}`, `refresh-${serial}`, `csrf-${serial}`];
    access.add(a);
    refresh = new Set([r]);
    if (!cookies) return { json: { result: 'success', data: { access_token: a, refresh_token: r } } };
    const attributes = 'Expires=Sun, 22 Nov 2099 23:12:12 GMT; Max-Age=3600; Path=/; SameSite=Lax';
    const names = [`access_token=${a}`, `refresh_token=${r}`, `csrf_token=${c}`];
    return {
      json: { result: 'success' },
      headers: { 'set-cookie': names.map((pair) => `${prefix}${pair}; ${attributes}`) },
    };
  }

  function logIn(body: Record<string, unknown>): FakeReply {
    const expected = base64 ? Buffer.from(PASSWORD, 'utf8').toString('base64') : PASSWORD;
    if (body['email'] === EMAIL && body['password'] === expected) return issue();
    return refusal(401, 'authentication_failed', 'Invalid email or password.');
  }

  function renew(request: SeenRequest): FakeReply {
    const given = cookies
      ? cookiesOf(request).get(`${prefix}refresh_token`)
      : (request.body as Record<string, string>)['refresh_token'];
    if (given === undefined || !refresh.delete(given)) {
      return { status: 401, json: { result: 'fail', message: 'Invalid refresh token' } };
    }
    return issue();
  }

  function isKnown(request: SeenRequest): boolean {
    const bearer = request.headers.authorization?.replace(/^Bearer /, '');
    if (bearer === ADMIN_KEY) {
      const workspace = request.headers['x-workspace-id'];
      return request.path.startsWith('/console/api/all-workspaces') || workspace === WORKSPACE;
    }
    if (!cookies) return bearer !== undefined && access.has(bearer);
    const jar = cookiesOf(request);
    const csrf = jar.get(`${prefix}csrf_token`);
    return access.has(jar.get(`${prefix}access_token`) ?? '') && request.headers['x-csrf-token'] === csrf;
  }

  async function answer(request: SeenRequest): Promise<FakeReply> {
    const path = request.path.split('?')[0] ?? '';
    const route = `${request.method} ${request.path}`;
    const override = options.overrides?.[route];
    if (path === '/console/api/login') await held;
    if (override !== undefined) return typeof override === 'function' ? override() : override;
    if (path === '/console/api/ping') return { json: { result: 'pong' } };
    if (path === '/health') return { json: { pid: 1, status: 'ok', version: options.version } };
    if (route === 'POST /console/api/login') return logIn(request.body as Record<string, unknown>);
    if (route === 'POST /console/api/refresh-token') return renew(request);
    const reply = routes[route];
    if (reply === undefined && route !== 'GET /console/api/workspaces') return HTML_404;
    if (!isKnown(request)) return refusal(401, 'unauthorized', 'Invalid token.');
    if (reply === undefined) {
      const id = options.accountWorkspace ?? WORKSPACE;
      return { json: { workspaces: [{ id, name: 'Kitchen', status: 'normal', current: true }] } };
    }
    return typeof reply === 'function' ? reply() : reply;
  }

  const server = createServer((incoming, response) => {
    void (async () => {
      const request = await readRequest(incoming);
      seen.push(request);
      const reply = await answer(request);
      response.once('close', () => {
        if (!response.writableEnded) reply.onAborted?.();
      });
      if (reply.delayMs !== undefined) await setTimeout(reply.delayMs, undefined, { ref: false });
      reply.onSent?.();
      send(response, reply, options.version);
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    seen,
    count: (path) => seen.filter((request) => request.path.split('?')[0] === path).length,
    expireAccess: () => {
      access = new Set();
    },
    expireRefresh: () => {
      refresh = new Set();
    },
    holdLogins: () => {
      let release = (): void => undefined;
      held = new Promise<void>((resolve) => {
        release = resolve;
      });
      return release;
    },
    setRoute: (route, reply) => {
      routes[route] = reply;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Dify's error body. */
export function refusal(status: number, code: string, message: string): FakeReply {
  return { status, json: { code, message, status } };
}

async function readRequest(incoming: IncomingMessage): Promise<SeenRequest> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}

function send(response: ServerResponse, reply: FakeReply, version: string | undefined): void {
  const { status = 200, json, html, headers } = reply;
  response.writeHead(status, {
    'content-type': html === undefined ? 'application/json' : 'text/html; charset=utf-8',
    ...(version === undefined ? {} : { 'x-version': version }),
    ...headers,
  });
  response.end(html ?? JSON.stringify(json));
}

function cookiesOf(request: SeenRequest): Map<string, string> {
  const pairs = (request.headers.cookie ?? '').split('; ').filter((pair) => pair !== '');
  return new Map(pairs.map((pair) => [pair.split('=')[0] ?? '', pair.slice(pair.indexOf('=') + 1)]));
}

function atLeast(version: string, floor: readonly [number, number, number]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [index, limit] of floor.entries()) {
    const part = parts[index] ?? 0;
    if (part !== limit) return part > limit;
  }
  return true;
}
