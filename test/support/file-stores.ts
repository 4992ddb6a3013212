import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { silentLogger } from '../../src/model/logger.ts';
import { createDirectoryBackend } from '../../src/files/backends/directory.ts';
import { createMemoryBackend } from '../../src/files/backends/memory.ts';
import { createRedisBackend } from '../../src/files/backends/redis.ts';
import { createFileStore, type MeteredFileStore } from '../../src/files/file-store.ts';
import { connectTo, keysOf, type RedisServer } from './redis-server.ts';

export const KINDS = ['directory', 'memory'] as const;
export type StoreKind = (typeof KINDS)[number];

/** A clock that a test turns. */
export interface Clock {
  now: number;
}

export interface TestStore {
  readonly store: MeteredFileStore;
  readonly clock: Clock;
  /** Folder of the store, also where it is in memory. */
  readonly dir: string;
  /** Names of all that lies in the folder, or in the Redis. */
  readonly entries: () => readonly string[] | Promise<readonly string[]>;
}

export interface TestStoreOptions {
  readonly maxBytes?: number;
  readonly ttlMs?: number;
  readonly dir?: string;
  readonly clock?: Clock;
}

export const HOUR = 3_600_000;

export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'bridge-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function testStore(kind: StoreKind, options: TestStoreOptions = {}): TestStore {
  const { maxBytes = 1_000_000, ttlMs = HOUR, dir = folder(), clock = { now: Date.now() } } = options;
  const backend = kind === 'directory' ? createDirectoryBackend(dir) : createMemoryBackend();
  const store = createFileStore({ backend, maxBytes, ttlMs, logger: silentLogger, now: () => clock.now });
  onTestFinished(() => store.close());
  return { store, clock, dir, entries: () => readdirSync(dir) };
}

/** A store in a Redis, in a database of its own unless given. */
export async function redisStore(
  redis: RedisServer,
  options: TestStoreOptions & { readonly url?: string } = {},
): Promise<TestStore> {
  const { maxBytes = 1_000_000, ttlMs = HOUR, clock = { now: Date.now() }, url = redis.newUrl() } = options;
  const connection = await connectTo(url);
  const backend = createRedisBackend(connection);
  const store = createFileStore({ backend, maxBytes, ttlMs, logger: silentLogger, now: () => clock.now });
  onTestFinished(() => store.close());
  return { store, clock, dir: '', entries: () => keysOf(connection) };
}

/** Bytes in chunks, as a download brings them. */
export async function* chunks(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

/** Puts a text of one principal. */
export function put(store: MeteredFileStore, text: string, name = 'note.txt', principal = 'ada') {
  return store.put(chunks(text), { name, mimeType: 'text/plain', principal });
}
