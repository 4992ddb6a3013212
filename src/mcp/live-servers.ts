import type { Server } from '@modelcontextprotocol/server';
import type { Logger } from '../model/logger.ts';

/** The servers that stay connected and so can be told of a changed list. */
export interface LiveServers {
  /** Keeps a server until its connection is closed. */
  add(server: Server): void;
  /** Sends `notifications/tools/list_changed` to every client that has introduced itself. */
  announceChange(): void;
  readonly size: number;
}

export function createLiveServers(logger: Logger): LiveServers {
  const servers = new Set<Server>();

  return {
    add(server) {
      servers.add(server);
      const { onclose } = server;
      server.onclose = () => {
        servers.delete(server);
        onclose?.();
      };
    },

    announceChange() {
      for (const server of servers) {
        // A client that has not said which revision it speaks has seen no list either.
        if (server.transport === undefined || server.getNegotiatedProtocolVersion() === undefined) continue;
        server.sendToolListChanged().catch((error: unknown) => {
          logger.debug('A client could not be told of the changed tools', { error });
        });
      }
    },

    get size() {
      return servers.size;
    },
  };
}
