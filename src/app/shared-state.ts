import { createHash } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../model/logger.ts';
import type { RateStore } from '../model/ports.ts';

/** The state that all replicas of a bridge share. */
export type SharedState = NonNullable<Awaited<ReturnType<typeof openState>>>;

/**
 * Connects to the configured Redis. Resolves with undefined, and loads no Redis code, if none is configured. Also
 * resolves if Redis cannot be reached, because it may start after the bridge.
 * @throws BridgeError `config_invalid` if the server refuses the login or is not Redis.
 */
export async function openState(config: Config, logger: Logger) {
  const { redisUrl: url, redisPassword: password } = config.state;
  if (url === undefined) return undefined;
  const [
    { connectRedis },
    { createRedisBackend },
    { createRedisCalls },
    { RedisSessions },
    { RedisRecords },
    { redisEndUsers },
    { RedisRevocations },
  ] = await Promise.all([
    import('../redis/connection.ts'),
    import('../files/backends/redis.ts'),
    import('../tasks/redis-calls.ts'),
    import('../http/redis-sessions.ts'),
    import('../signin/redis-records.ts'),
    import('../redis/end-users.ts'),
    import('../http/redis-revocations.ts'),
  ]);
  const connection = await connectRedis({ url, password, logger });
  const { keepResults: keepMs, maxKeptBytes: maxBytes } = config.calls;
  const { protocol, host, pathname } = new URL(url);
  return {
    /** The address without the password. */
    address: `${protocol}//${host}${pathname}`,
    backend: createRedisBackend(connection, logger),
    calls: createRedisCalls({ connection, keepMs, maxBytes }),
    signInRecords: new RedisRecords(connection),
    endUsers: redisEndUsers(connection, logger),
    /** Counts the calls of all replicas. */
    rates: {
      eval: (script, options) => connection.run((client) => client.eval(script, options)),
    } satisfies RateStore,
    sessions: new RedisSessions(connection, sessionKeyOf(config), logger),
    revocations: new RedisRevocations(connection),
    get health() {
      return connection.health;
    },
    close: () => connection.close(),
  };
}

/** Returns the configured key of the sessions; its setting may have any length. */
export function sessionKeyOf({ http: { sessionKey } }: Config): Uint8Array | undefined {
  return sessionKey === undefined ? undefined : createHash('sha256').update(sessionKey).digest();
}
