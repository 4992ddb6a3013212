import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, onTestFinished } from 'vitest';
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

/**
 * Starts a Redis that ends with the test file, or with the test where `atEnd` is `onTestFinished`: inside a test,
 * `afterAll` comes too late to be heard.
 */
export async function startRedis(atEnd: (end: () => Promise<void>) => void = afterAll): Promise<RedisServer> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  let databases = 0;

  async function start(): Promise<void> {
    const options = ['--bind', '127.0.0.1', '--port', String(port), '--databases', '512'];
    const nowhere = ['--save', '', '--appendonly', 'no', '--requirepass', REDIS_PASSWORD];
    const started = spawn('redis-server', [...options, ...nowhere], { stdio: 'ignore' });
    child = started;
    running.add(started);
    const failed = once(child, 'error').then(([error]) => {
      const reason =
        (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not installed' : 'does not start';
      throw new Error(`redis-server ${reason}. Debian has it: apt-get install redis-server`, {
        cause: error,
      });
    });
    await Promise.race([failed, answers(port)]);
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    running.delete(child);
  }

  atEnd(kill);
  await start();
  return {
    port,
    newUrl: () => `redis://:${REDIS_PASSWORD}@127.0.0.1:${port}/${databases++}`,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    kill,
    start,
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
