import { randomUUID } from 'node:crypto';
import type { CallNews, CallOrder, FoundCall, SharedCalls, SharedKey } from '../model/shared-calls.ts';
import { decodeCall, encodeCall } from './redis-call-text.ts';
import type { RedisConnection } from '../redis/connection.ts';

/** A replica whose last heartbeat is older than this counts as gone. */
const LEASE_MS = 15_000;

const PREFIX = 'dify-mcp-bridge';
const CALL = `${PREFIX}:call:`;
/** Expiry and size of the stored results, by call ID. */
const RESULTS = `${PREFIX}:results`;
const SIZES = `${PREFIX}:result-sizes`;
const REPLICA = `${PREFIX}:replica:`;
/** The channel for the IDs of calls that have changed. */
const NEWS = `${PREFIX}:news`;

const callOf = (callId: string): string => `${CALL}${callId}`;
const keyOf = ({ scope }: SharedKey): string => `${PREFIX}:key:${scope}`;
const keyValue = (callId: string, { argumentsDigest }: SharedKey): string => `${callId} ${argumentsDigest}`;
const ordersOf = (replica: string): string => `${PREFIX}:orders:${replica}`;

/** KEYS: key, call. ARGV: value of the key, ID of the call to replace, milliseconds, owner, replica, state. */
const CLAIM = `
local other = redis.call('GET', KEYS[1])
if other then
  local id = string.match(other, '^%S+')
  if id ~= ARGV[2] and redis.call('EXISTS', '${CALL}' .. id) == 1 then return other end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('HSET', KEYS[2], 'owner', ARGV[4], 'replica', ARGV[5], 'state', ARGV[6], 'over', '0')
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return false`;

/**
 * KEYS: call, key, results, sizes. ARGV: call ID, owner, replica, state, over, milliseconds, result, its bytes (0: no
 * result), maximum bytes of all results, now, value of the key (empty: no key), whether to delete the key.
 */
const PUBLISH = `
if redis.call('HGET', KEYS[1], 'over') == '1' then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'replica', ARGV[3], 'state', ARGV[4], 'over', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
if ARGV[11] ~= '' then
  local value = redis.call('GET', KEYS[2])
  if ARGV[12] == '1' then
    if value == ARGV[11] then redis.call('DEL', KEYS[2]) end
  elseif not value or value == ARGV[11] then
    redis.call('SET', KEYS[2], ARGV[11], 'PX', ARGV[6])
  end
end
local bytes, most, now = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
if bytes > most then
  redis.call('HSET', KEYS[1], 'dropped', bytes)
elseif bytes > 0 then
  redis.call('HSET', KEYS[1], 'result', ARGV[7])
  redis.call('ZADD', KEYS[3], now + tonumber(ARGV[6]), ARGV[1])
  redis.call('HSET', KEYS[4], ARGV[1], bytes)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
    redis.call('ZREM', KEYS[3], id)
    redis.call('HDEL', KEYS[4], id)
  end
  local total = 0
  for _, size in ipairs(redis.call('HVALS', KEYS[4])) do total = total + tonumber(size) end
  while total > most do
    local id = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
    local size = redis.call('HGET', KEYS[4], id)
    local old = '${CALL}' .. id
    if redis.call('EXISTS', old) == 1 then
      redis.call('HDEL', old, 'result')
      redis.call('HSET', old, 'dropped', size)
    end
    redis.call('ZREM', KEYS[3], id)
    redis.call('HDEL', KEYS[4], id)
    total = total - tonumber(size)
  end
end
redis.call('PUBLISH', '${NEWS}', ARGV[1])
return 1`;

/** KEYS: call. ARGV: owner. */
const FIND = `
local found = redis.call('HMGET', KEYS[1], 'owner', 'replica', 'state', 'over', 'result', 'dropped')
if not found[1] or found[1] ~= ARGV[1] then return false end
local alive = found[4] == '1' or redis.call('EXISTS', '${REPLICA}' .. found[2]) == 1
return { found[2], found[3], found[4], found[5] or '', found[6] or '', alive and '1' or '0' }`;

export interface RedisCallsOptions {
  readonly connection: Pick<RedisConnection, 'run' | 'subscribe'>;
  /** How long a result is stored after the call ends, in milliseconds. */
  readonly keepMs: number;
  /** The most bytes of all stored results. Beyond that, the oldest are evicted. */
  readonly maxBytes: number;
  /** A replica whose last heartbeat is older than this many milliseconds counts as gone. Default: 15 s. */
  readonly leaseMs?: number;
}

/** Returns the calls of all replicas that share one Redis. */
export function createRedisCalls(options: RedisCallsOptions): SharedCalls {
  const { connection, keepMs, maxBytes, leaseMs = LEASE_MS } = options;
  const { run, subscribe } = connection;
  const replica = randomUUID();
  const waiting = new Map<string, Set<() => void>>();
  // Each heartbeat renews the record of a running call, so the record must outlive a few missed heartbeats.
  const knownMs = keepMs + leaseMs;

  function wake(callId: string): void {
    for (const listener of waiting.get(callId) ?? []) listener();
  }

  // One channel for all calls: a channel per call would cost a subscription and its end for every wait.
  subscribe(NEWS, wake, () => {
    for (const callId of waiting.keys()) wake(callId);
  });

  return {
    async claim({ call, owner, key }, insteadOf = '') {
      const other = await run((client) =>
        client.eval(CLAIM, {
          keys: [keyOf(key), callOf(call.callId)],
          arguments: [
            keyValue(call.callId, key),
            insteadOf,
            // Applies until the first publish: if Redis answers too late, the key must not stay taken.
            String(leaseMs),
            owner,
            replica,
            encodeCall(call),
          ],
        }),
      );
      if (typeof other !== 'string') return undefined;
      const [callId = '', argumentsDigest = ''] = other.split(' ');
      return { callId, argumentsDigest };
    },

    async publish({ call, isOver, owner, key }: CallNews, lostKey?: SharedKey) {
      const { callId, result } = call;
      const text = isOver && result !== undefined ? JSON.stringify(result) : '';
      const bytes = Buffer.byteLength(text);
      const named = key ?? lostKey;
      await run((client) =>
        client.eval(PUBLISH, {
          keys: [callOf(callId), named === undefined ? '' : keyOf(named), RESULTS, SIZES],
          arguments: [
            callId,
            owner,
            replica,
            encodeCall(call),
            isOver ? '1' : '0',
            String(isOver ? keepMs : knownMs),
            bytes > maxBytes ? '' : text,
            String(bytes),
            String(maxBytes),
            String(Date.now()),
            named === undefined ? '' : keyValue(callId, named),
            key === undefined ? '1' : '0',
          ],
        }),
      );
    },

    async find(callId, owner): Promise<FoundCall | undefined> {
      const found = await run((client) => client.eval(FIND, { keys: [callOf(callId)], arguments: [owner] }));
      if (!Array.isArray(found)) return undefined;
      const [where = '', state = '', over, result = '', dropped = '', alive] = found as unknown as string[];
      return {
        call: decodeCall(state, result === '' ? undefined : result),
        replica: where,
        isOver: over === '1',
        isAlive: alive === '1',
        droppedBytes: dropped === '' ? undefined : Number(dropped),
      };
    },

    async tell(where, callId, order) {
      const heard = await run((client) => client.publish(ordersOf(where), `${order} ${callId}`));
      return heard > 0;
    },

    onOrder(listener) {
      subscribe(ordersOf(replica), (message) => {
        const [order = '', callId = ''] = message.split(' ');
        listener(callId, order as CallOrder);
      });
    },

    onNews(callId, listener) {
      const listeners = waiting.get(callId) ?? new Set();
      waiting.set(callId, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && waiting.get(callId) === listeners) waiting.delete(callId);
      };
    },

    async beat() {
      await run((client) => client.set(`${REPLICA}${replica}`, '', { PX: leaseMs }));
    },

    beatMs: leaseMs / 4,

    async close() {
      await run((client) => client.del(`${REPLICA}${replica}`));
    },
  };
}
