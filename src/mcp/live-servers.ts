import type { Server } from '@modelcontextprotocol/server';
import type { Logger } from '../model/logger.ts';

/** The connected servers, which can announce a changed list to their clients. */
export interface LiveServers {
  /** Adds a server until its connection is closed. */
  add(server: Server): void;
  /** Sends `notifications/tools/list_changed` to every client that has completed initialization. */
  announceChange(): void;
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
        // A client that has not negotiated a revision has not seen a list yet.
        if (server.transport === undefined || server.getNegotiatedProtocolVersion() === undefined) continue;
        server.sendToolListChanged().catch((error: unknown) => {
          logger.debug('Could not notify a client of the changed tools', { error });
        });
      }
    },
  };
}
