import type { Logger } from '../model/logger.ts';
import type { EndUserRecords } from '../model/ports.ts';
import type { RedisConnection } from './connection.ts';

const KEY = 'dify-mcp-bridge:end-users';

/** Returns records that all replicas share. Without Redis, each process has end users of its own. */
export function redisEndUsers(connection: RedisConnection, logger: Logger): EndUserRecords {
  const log = (error: unknown): undefined => {
    logger.debug('The end users in Redis could not be read or written', { error });
  };
  return {
    get: (session) =>
      connection.run(async (client) => (await client.hGet(KEY, session)) ?? undefined).catch(log),
    async put(session, id, replaced) {
      const agreed = await connection
        .run(async (client) => {
          // Replicas that begin at the same time agree on the first.
          if (replaced === undefined) await client.hSetNX(KEY, session, id);
          else await client.hSet(KEY, session, id);
          return client.hGet(KEY, session);
        })
        .catch(log);
      return agreed ?? id;
    },
  };
}
