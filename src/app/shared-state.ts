import type { Config } from '../config/schema.ts';
import type { Logger } from '../model/logger.ts';
import type { SharedCalls } from '../model/shared-calls.ts';
import type { StorageBackend } from '../model/storage-backend.ts';

/** What all replicas of a bridge share. */
export interface SharedState {
  /** Where it is, without a password. */
  readonly address: string;
  readonly backend: StorageBackend;
  readonly calls: SharedCalls;
  /** `waiting`: it has not been reached yet. `down`: it was, and is not now. */
  readonly health: 'waiting' | 'up' | 'down';
  close(): Promise<void>;
}

/**
 * The Redis of the configuration; undefined where it names none, and nothing of Redis is loaded then. Resolves also
 * where it cannot be reached, since it may start after the bridge.
 * @throws BridgeError `config_invalid` where it refuses the login or is no Redis.
 */
export async function openState(config: Config, logger: Logger): Promise<SharedState | undefined> {
  const { redisUrl: url, redisPassword: password } = config.state;
  if (url === undefined) return undefined;
  const [{ connectRedis }, { createRedisBackend }, { createRedisCalls }] = await Promise.all([
    import('../redis/connection.ts'),
    import('../files/backends/redis.ts'),
    import('../tasks/redis-calls.ts'),
  ]);
  const connection = await connectRedis({ url, password, logger });
  const { keepResults: keepMs, maxKeptBytes: maxBytes } = config.calls;
  const { protocol, host, pathname } = new URL(url);
  return {
    address: `${protocol}//${host}${pathname}`,
    backend: createRedisBackend(connection),
    calls: createRedisCalls({ connection, keepMs, maxBytes }),
    get health() {
      return connection.health;
    },
    close: () => connection.close(),
  };
}
