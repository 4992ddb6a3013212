// @module-tag redis
// @module-tag nginx
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { Agent, fetch } from 'undici';
import { formatKeys, keyHash, newKey } from '../../src/http/key-file.ts';
import { parameter } from '../../src/sandbox/declaration.ts';
import { text } from '../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../src/sandbox/provider.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { freePort } from '../support/free-port.ts';
import { type Started, start } from '../support/program.ts';
import { callRequest, initializeRequest, modernRequest } from '../support/raw-http.ts';
import { REDIS_PASSWORD, startRedis } from '../support/redis-server.ts';
import { ANSWERED_BY, startRoundRobin } from '../support/round-robin.ts';
import { sandboxEnv } from '../support/running-bridge.ts';

// Each replica gets twice as many calls at once as it runs, so that the others wait in its queue.
const SESSIONS = 200;
const VIEWS = ['', '/one', '/two', '/three'];
const PRINCIPALS = 20;
const ECHO = 'tests_echo__echo';
/** What a bridge may take more after four further rounds of calls, in bytes. */
const GROWTH_BYTES = 40 * 1024 ** 2;

/** A client with one session, or without sessions. */
interface Client {
  readonly id: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Outcome {
  /** The addresses of the replicas that got the request. */
  readonly replicas: string;
  /** What came instead of the client's own payload. */
  readonly wrong?: string;
  /** The connection broke, or nginx had no answer. */
  readonly isBroken?: boolean;
}

/** Two bridges with one Redis behind a round robin, and a tool that echoes after a moment. */
async function startPair() {
  const redis = await startRedis();
  const sandbox = await createSandbox();
  onTestFinished(() => sandbox.close());
  const echo = defineTool(
    'echo',
    { description: 'Echoes.', parameters: [parameter('payload', { required: true })] },
    async function* ({ payload }) {
      await pause(20);
      yield text(payload as string);
    },
  );
  sandbox.workspace.addProvider(
    builtinProvider('tests/echo/echo', { label: 'Echo', description: 'Echoes.', tools: [echo] }),
  );
  const folder = mkdtempSync(join(tmpdir(), 'bridge-pair-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const names = ['default', 'one', 'two', 'three'];
  const keys = Array.from({ length: PRINCIPALS }, () => newKey());
  const entries = keys.map((key, n) => {
    return { name: `client-${n}`, sha256: keyHash(key), views: names, created: new Date() };
  });
  writeFileSync(join(folder, 'keys.json'), formatKeys(entries), { mode: 0o600 });
  writeFileSync(join(folder, 'config.yaml'), 'views: { one: {}, two: {}, three: {} }\n', { mode: 0o600 });
  const env = {
    ...sandboxEnv(sandbox),
    DIFY_BRIDGE_CONFIG: join(folder, 'config.yaml'),
    DIFY_BRIDGE_KEYS_FILE: join(folder, 'keys.json'),
    DIFY_BRIDGE_REDIS_URL: `redis://:${REDIS_PASSWORD}@127.0.0.1:${redis.port}`,
    DIFY_BRIDGE_CALLS_MAX_CONCURRENT: '50',
    DIFY_BRIDGE_CALLS_MAX_QUEUED: String(2 * SESSIONS),
    DIFY_BRIDGE_LOG_LEVEL: 'warn',
  };
  const ports = [await freePort(), await freePort()] as const;
  const serve = async (port: number): Promise<Started> => {
    const bridge = start(['serve', '--http', '--port', String(port), '-o', 'json'], { env });
    onTestFinished(() => bridge[Symbol.asyncDispose]());
    await bridge.match('stdout', /^.*\n/);
    return bridge;
  };
  const [a, b] = (await Promise.all(ports.map(serve))) as [Started, Started];
  const proxy = await startRoundRobin(await freePort(), ports);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return { a, b, ports, serve, keys, redis, url: proxy.url };
}

const dispatcher = new Agent({ connections: 128 });

async function post(url: string, headers: Readonly<Record<string, string>>, body: unknown) {
  return fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
    dispatcher,
  });
}

/** Opens a session for every other client. The others are of 2026-07-28. */
async function openClient(url: string, id: number, key: string): Promise<Client> {
  const path = `/mcp${VIEWS[id % VIEWS.length]}`;
  const auth = { Authorization: `Bearer ${key}` };
  if (id % 2 === 1) return { id, path, headers: auth };
  const answer = await post(`${url}${path}`, auth, initializeRequest());
  await answer.text();
  const session = {
    ...auth,
    'Mcp-Session-Id': answer.headers.get('mcp-session-id') ?? `none: ${answer.status}`,
    'MCP-Protocol-Version': '2025-11-25',
  };
  // The next request goes to the other replica.
  await (
    await post(`${url}${path}`, session, { jsonrpc: '2.0', method: 'notifications/initialized' })
  ).text();
  return { id, path, headers: session };
}

/** Makes one call with a payload that no other call has. */
async function callOnce(url: string, { id, path, headers }: Client, round: string): Promise<Outcome> {
  const payload = `client ${id} ${round}`;
  const isModern = headers['Mcp-Session-Id'] === undefined;
  const modern = modernRequest('tools/call', { name: ECHO, arguments: { payload } });
  const body = isModern ? modern.body : callRequest(ECHO, { payload });
  let replicas = '';
  try {
    const answer = await post(`${url}${path}`, { ...headers, ...(isModern && modern.headers) }, body);
    replicas = answer.headers.get(ANSWERED_BY) ?? '';
    const said = await answer.text();
    if (answer.status === 502) return { replicas, isBroken: true };
    const [, result = said] = /"text":"((?:[^"\\]|\\.)*)"/.exec(said) ?? [];
    return result === payload ? { replicas } : { replicas, wrong: `${answer.status} ${said}` };
  } catch {
    return { replicas, isBroken: true };
  }
}

/** The memory of a process, in bytes. */
function memoryOf({ child }: Started): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024;
}

it('hundreds of sessions of both eras get their own answers from two replicas, and survive the death of one', async () => {
  const { a, b, ports, serve, keys, redis, url } = await startPair();
  const clients = await Promise.all(
    Array.from({ length: SESSIONS }, (_, id) => openClient(url, id, keys[id % PRINCIPALS] ?? '')),
  );
  const everyone = async (round: string): Promise<readonly Outcome[]> =>
    Promise.all(clients.map((client) => callOnce(url, client, round)));
  const failures = (outcomes: readonly Outcome[]) =>
    outcomes.filter(({ wrong, isBroken }) => wrong !== undefined || isBroken === true).slice(0, 5);

  expect(failures(await everyone('first'))).toEqual([]);
  await everyone('warm');
  const before = [a, b].map(memoryOf);
  for (const round of ['second', 'third', 'fourth', 'fifth'])
    expect(failures(await everyone(round))).toEqual([]);
  const growth = [a, b].map((bridge, n) => memoryOf(bridge) - (before[n] ?? 0));
  expect(Math.max(...growth)).toBeLessThan(GROWTH_BYTES);

  // One is killed while the calls of all clients are under way.
  const dead = `127.0.0.1:${ports[0]}`;
  const outcomes: Outcome[] = [];
  const load = clients.map(async (client) => {
    const outcome = await callOnce(url, client, 'under load');
    outcomes.push(outcome);
  });
  await expect.poll(() => outcomes.length, { interval: 5 }).toBeGreaterThan(SESSIONS / 10);
  a.child.kill('SIGKILL');
  await Promise.all(load);
  const broken = outcomes.filter(({ wrong, isBroken }) => wrong !== undefined || isBroken === true);
  expect(broken.length).toBeGreaterThan(0);
  // Nobody got the answer of another, and nothing broke at the replica that lives.
  expect(broken.filter(({ wrong }) => wrong !== undefined)).toEqual([]);
  expect(broken.filter(({ replicas }) => replicas !== '' && !replicas.includes(dead))).toEqual([]);

  // The same sessions go on at the other replica, and at the first one when it is back.
  const after = await everyone('after');
  expect(failures(after)).toEqual([]);
  expect(after.every(({ replicas }) => replicas.endsWith(`:${ports[1]}`))).toBe(true);
  await serve(ports[0]);
  await expect.poll(async () => (await callOnce(url, clients[0] as Client, 'back')).replicas).toBe(dead);
  expect(failures(await everyone('together'))).toEqual([]);

  // Without Redis, calls go on with the same sessions, and new ones; the bridges say so and recover by themselves.
  const some = clients.slice(0, 100);
  const callSome = (round: string) => Promise.all(some.map((client) => callOnce(url, client, round)));
  const readiness = () =>
    Promise.all(ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}/readyz`)).json()));
  await redis.kill();
  expect(failures(await callSome('without Redis'))).toEqual([]);
  expect(failures([await callOnce(url, await openClient(url, 0, keys[0] ?? ''), 'new')])).toEqual([]);
  const away = { status: 'ready', redis: 'unavailable' };
  expect(await readiness()).toEqual([away, away]);
  await redis.start();
  await expect.poll(readiness).toEqual([{ status: 'ready' }, { status: 'ready' }]);
  expect(failures(await callSome('with Redis again'))).toEqual([]);
  await dispatcher.close();
}, 240_000);
