import type { IncomingMessage, ServerResponse } from 'node:http';
import { createMcpHandler } from '@modelcontextprotocol/server';
import type { ServerFactory } from '../mcp/server.ts';
import type { Logger } from '../model/logger.ts';
import type { ToolListSource } from '../model/registry.ts';
import { createEndpoint, type RequestFacts } from './endpoint.ts';
import type { Sessions } from './sessions.ts';

/** One view of the tools, served at a path of its own. */
export interface HttpView {
  /** Path of its endpoint, such as `/mcp` or `/mcp/support`. */
  readonly path: string;
  /** Makes its servers. */
  readonly createServer: ServerFactory;
  /** What it lists: a change is told to the clients of this view alone. */
  readonly tools: ToolListSource;
}

/** A view while it is served: with sessions and a stateless handler of its own. */
export interface ServedView {
  readonly path: string;
  /** Serves an admitted request: see `createEndpoint`. */
  serve(req: IncomingMessage, res: ServerResponse, facts: RequestFacts): Promise<void>;
  /** Tells nobody of changes from now on. */
  endAnnouncements(): void;
  /** Resolves when no call of the view runs, and at the latest after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void>;
  /** Ends its sessions, its streams and what they run. */
  close(): Promise<void>;
}

export interface ServedViewOptions {
  readonly sessions: Sessions;
  readonly keepAliveMs: number;
  readonly maxBodyBytes: number;
  readonly isClosing: () => boolean;
  readonly logger: Logger;
}

/** Begins to serve a view. */
export function serveView(view: HttpView, options: ServedViewOptions): ServedView {
  const { path, createServer, tools } = view;
  const { keepAliveMs, maxBodyBytes, isClosing, logger } = options;
  const sessions = options.sessions.group(createServer);
  const modern = createMcpHandler(
    ({ era, authInfo }) => createServer({ era, principal: authInfo?.clientId }),
    {
      legacy: 'reject',
      responseMode: 'sse',
      keepAliveMs,
      onerror: (error) => logger.debug('A stateless request was refused', { error }),
    },
  );
  const endAnnouncements = tools.onChange(() => {
    sessions.announceChange();
    modern.notify.toolsChanged();
  });
  return {
    path,
    serve: createEndpoint({ modern, sessions, maxBodyBytes, isClosing }),
    endAnnouncements,
    idle: (timeoutMs) => createServer.idle(timeoutMs),
    async close() {
      endAnnouncements();
      await Promise.all([sessions.close(), modern.close()]);
    },
  };
}
