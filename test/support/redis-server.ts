import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { type Logger, silentLogger } from '../../src/model/logger.ts';
import { connectRedis, type RedisConnection } from '../../src/redis/connection.ts';
import { freePort } from './free-port.ts';

/** The password of every Redis of the tests: it is on loopback, and ends with its test file. */
export const REDIS_PASSWORD = 'fake-redis-password';

/** What runs, for a test process that ends early. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A Redis of its own on loopback, without anything on disk. */
export interface RedisServer {
  readonly port: number;
  /** A database that no other test has, with the password in its address. */
  newUrl(): string;
  /** Stops answering without closing a connection, and goes on. */
  freeze(): void;
  thaw(): void;
  /** Ends it at once; what it held is gone. */
  kill(): Promise<void>;
  /** Starts it again at the same address, empty. */
  start(): Promise<void>;
}

/** A Redis for all tests of a file or of a `describe`: it starts before the first of them and ends after the last. */
export async function sharedRedis(): Promise<RedisServer> {
  const redis = createRedis(await freePort());
  beforeAll(() => redis.start());
  afterAll(() => redis.kill());
  return redis;
}

/** Starts a Redis that ends with the test. */
export async function startRedis(): Promise<RedisServer> {
  const redis = createRedis(await freePort());
  onTestFinished(() => redis.kill());
  await redis.start();
  return redis;
}

function createRedis(port: number): RedisServer {
  let child: ChildProcess | undefined;
  let databases = 0;

  return {
    port,
    newUrl: () => `redis://:${REDIS_PASSWORD}@127.0.0.1:${port}/${databases++}`,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async start() {
      const options = ['--bind', '127.0.0.1', '--port', String(port), '--databases', '512'];
      const nowhere = ['--save', '', '--appendonly', 'no', '--requirepass', REDIS_PASSWORD];
      child = spawn('redis-server', [...options, ...nowhere], { stdio: 'ignore' });
      running.add(child);
      const failed = once(child, 'error').then(([cause]) => {
        throw new Error('redis-server does not start.', { cause });
      });
      await Promise.race([failed, answers(port)]);
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      running.delete(child);
    },
  };
}

/** Resolves when something listens. A port cannot be awaited but by trying. */
async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await pause(25);
  }
  throw new Error(`redis-server does not listen on port ${port}.`);
}

/** A connection to a database, closed with the test. */
export async function connectTo(url: string, logger: Logger = silentLogger): Promise<RedisConnection> {
  const connection = await connectRedis({ url, logger });
  onTestFinished(() => connection.close());
  return connection;
}

/** The names of all keys that a connection sees. */
export async function keysOf(connection: RedisConnection): Promise<readonly string[]> {
  return (await connection.run((client) => client.keys('*'))).sort();
}
