import { RESP_TYPES } from '@redis/client';
import { BridgeError } from '../../model/errors.ts';
import { cutText } from '../../model/cut-text.ts';
import { parseJsonObject } from '../../model/exact-json.ts';
import { type Logger, silentLogger } from '../../model/logger.ts';
import type { FileRecord, StorageBackend, StoredRecord } from '../../model/storage-backend.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { unavailable } from '../../redis/redis-errors.ts';
import { decodeRecord } from './sidecar.ts';

/** Bytes of each chunk but the last. With Redis's header, within the 256 KiB in which Redis allocates memory. */
const CHUNK_BYTES = 256 * 1024 - 64;
/** An unfinished file without a write for this long is removed: its writer ended early. */
const DRAFT_MS = 15 * 60_000;
/** Milliseconds for which a file that is being read survives its expiry or eviction; each chunk read restarts them. */
const READING_MS = 30_000;
const BATCH = 500;

const PREFIX = 'dify-mcp-bridge:file';
/** When each file was last used, by id. */
const USED = 'dify-mcp-bridge:files';

const recordOf = (id: string): string => `${PREFIX}:${id}`;
/** The chunks, by number. */
const dataOf = (id: string): string => `${PREFIX}:${id}:data`;
const readingOf = (id: string): string => `${PREFIX}:${id}:reading`;

/** Turns chunks into a stored file, unless some of them are gone. */
const COMMIT = `
if redis.call('HLEN', KEYS[2]) ~= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[5])
return 1`;

const TOUCH = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2])
return 1`;

const READ = `
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return false end
if left < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])`;

const REMOVE = `
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[2])
else redis.call('UNLINK', KEYS[2]) end
return 1`;

/**
 * Returns a backend that stores files in Redis, in chunks, for all processes that share it. Redis itself
 * removes expired files. A file that is removed during a read survives until the reader has finished. Skips what other
 * programs have broken, and logs it once.
 */
export function createRedisBackend(
  { run }: Pick<RedisConnection, 'run'>,
  logger: Logger = silentLogger,
): StorageBackend {
  /** Records already read; they never change. */
  const known = new Map<string, FileRecord>();
  /** Entries that were logged as broken. */
  const broken = new Set<string>();

  function skip(id: string): void {
    if (!broken.has(id)) logger.warn('Skipped a broken record of a file in Redis', { id: cutText(id, 100) });
    broken.add(id);
  }

  /** Reads records. Returns the ids of those that are gone or broken. */
  async function load(ids: readonly string[]): Promise<string[]> {
    const gone: string[] = [];
    for (let start = 0; start < ids.length; start += BATCH) {
      const part = ids.slice(start, start + BATCH);
      const texts = await run((client) => client.mGet(part.map(recordOf)));
      for (const [index, id] of part.entries()) {
        const text = texts[index];
        const record = typeof text === 'string' ? decodeRecord(id, parseJsonObject(text)) : undefined;
        if (record !== undefined) known.set(id, record);
        else gone.push(id);
        if (record === undefined && typeof text === 'string') skip(id);
      }
    }
    return gone;
  }

  async function indexed(): Promise<readonly { readonly value: string; readonly score: number }[]> {
    return run((client) => client.zRangeWithScores(USED, 0, -1));
  }

  return {
    async begin(id) {
      let pending: Uint8Array[] = [];
      let bytes = 0;
      let count = 0;

      async function send(chunk: Buffer): Promise<void> {
        const field = String(count);
        await run((client) =>
          client.multi().hSet(dataOf(id), field, chunk).pExpire(dataOf(id), DRAFT_MS).exec(),
        );
        count += 1;
      }

      async function sendFull(): Promise<void> {
        const all = Buffer.concat(pending);
        let at = 0;
        for (; all.length - at >= CHUNK_BYTES; at += CHUNK_BYTES) {
          await send(all.subarray(at, at + CHUNK_BYTES));
        }
        pending = at === all.length ? [] : [all.subarray(at)];
        bytes = all.length - at;
      }

      return {
        async write(chunk) {
          // Copy: the sender may reuse its memory.
          pending.push(Uint8Array.from(chunk));
          bytes += chunk.length;
          if (bytes >= CHUNK_BYTES) await sendFull();
        },

        async commit(record) {
          if (bytes > 0) await send(Buffer.concat(pending));
          const committed = await run((client) =>
            client.eval(COMMIT, {
              keys: [recordOf(id), dataOf(id), USED],
              arguments: [
                String(count),
                JSON.stringify(record),
                String(record.expiresAt - record.createdAt),
                String(record.createdAt),
                id,
              ],
            }),
          );
          if (committed !== 1) throw unavailable('has lost part of the file');
          known.set(id, record);
        },

        async discard() {
          pending = [];
          await run((client) => client.unlink(dataOf(id)));
        },
      };
    },

    async get(id) {
      if (!known.has(id)) await load([id]);
      return known.get(id);
    },

    async all() {
      const entries = await indexed();
      const present = new Set(entries.map(({ value }) => value));
      for (const id of known.keys()) if (!present.has(id)) known.delete(id);
      await load(entries.flatMap(({ value }) => (known.has(value) ? [] : [value])));
      return entries.flatMap(({ value, score }): StoredRecord[] => {
        const record = known.get(value);
        return record === undefined ? [] : [{ record, usedAt: score }];
      });
    },

    async usedAt(id) {
      return (await run((client) => client.zScore(USED, id))) ?? undefined;
    },

    async touch(id, now) {
      const there = await run((client) =>
        client.eval(TOUCH, { keys: [recordOf(id), USED], arguments: [String(now), id] }),
      );
      if (there !== 1) known.delete(id);
      return there === 1;
    },

    async *read({ id, size }, { first, last } = { first: 0, last: size - 1 }) {
      const gone = new BridgeError('file_not_found', 'The file no longer exists.');
      for (let at = first; at <= last; ) {
        const index = Math.floor(at / CHUNK_BYTES);
        const chunk = (await run((client) =>
          client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).eval(READ, {
            keys: [dataOf(id), readingOf(id)],
            arguments: [String(index), String(READING_MS)],
          }),
        )) as unknown as Buffer | null;
        if (chunk === null) throw gone;
        const start = index * CHUNK_BYTES;
        // An edited chunk that is too short would be read again and again.
        if (chunk.length < Math.min(CHUNK_BYTES, size - start)) throw gone;
        yield chunk.subarray(at - start, last + 1 - start);
        at = start + chunk.length;
      }
    },

    pathOf: () => undefined,

    async remove(id) {
      known.delete(id);
      await run((client) =>
        client.eval(REMOVE, {
          keys: [recordOf(id), dataOf(id), readingOf(id), USED],
          arguments: [id, String(READING_MS)],
        }),
      );
      return true;
    },

    async tidy() {
      // Redis removes an expired record but not the index entries that name it.
      const gone = await load((await indexed()).map(({ value }) => value));
      for (const id of gone) known.delete(id);
      if (gone.length > 0) await run((client) => client.zRem(USED, gone));
    },

    close() {
      known.clear();
    },
  };
}
