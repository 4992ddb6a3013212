import type { IncomingMessage, ServerResponse } from 'node:http';
import { classifyInboundRequest, createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server';
import type { ServerFactory } from '../mcp/server.ts';
import { BridgeError } from '../model/errors.ts';
import { withoutUndefined } from '../model/json.ts';
import type { Logger } from '../model/logger.ts';
import type { ToolListSource } from '../model/registry.ts';
import { readMessage } from './body.ts';
import { sendMethodNotAllowed } from './responses.ts';
import type { SessionGroup } from './session-group.ts';
import type { Sessions } from './sessions.ts';
import { sendPrepared, sendResponse, webRequest } from './web-exchange.ts';

/** The first revision without sessions. Versions are dates, so they compare as texts. */
const FIRST_MODERN_VERSION = '2026-07-28';

/** One view of the tools, served at a path of its own. */
export interface HttpView {
  /** Path of its endpoint, such as `/mcp` or `/mcp/support`. */
  readonly path: string;
  /** Makes its servers. */
  readonly createServer: ServerFactory;
  /** The tools that it lists; only its own clients are notified of a change. */
  readonly tools: ToolListSource;
}

export interface ServedViewOptions {
  readonly sessions: Sessions;
  readonly keepAliveMs: number;
  readonly maxBodyBytes: number;
  /** True once the bridge stops. */
  readonly isClosing: () => boolean;
  readonly logger: Logger;
}

/** A view while it is served: with sessions and a stateless handler of its own. */
export class ServedView {
  readonly path: string;
  /** Notifies no client of changes from now on. */
  readonly endAnnouncements: () => void;
  readonly #createServer: ServerFactory;
  readonly #options: ServedViewOptions;
  readonly #sessions: SessionGroup;
  readonly #modern: McpHttpHandler;

  constructor({ path, createServer, tools }: HttpView, options: ServedViewOptions) {
    const { keepAliveMs, logger } = options;
    this.path = path;
    this.#createServer = createServer;
    this.#options = options;
    this.#sessions = options.sessions.group(createServer);
    this.#modern = createMcpHandler(
      ({ era, authInfo }) => createServer({ era, principal: authInfo?.clientId }),
      {
        legacy: 'reject',
        responseMode: 'sse',
        keepAliveMs,
        onerror: (error) => logger.debug('A stateless request was refused', { error }),
      },
    );
    this.endAnnouncements = tools.onChange(() => {
      this.#sessions.announceChange();
      this.#modern.notify.toolsChanged();
    });
  }

  /**
   * Serves an admitted request of a principal and picks the revision it speaks: a request that carries the envelope of
   * 2026-07-28 goes to the stateless handler, any other to its session. `withId` gets the id of a JSON-RPC request as
   * soon as it is read. Resolves when the response is complete. Throws a BridgeError where the request ends before any
   * MCP answer.
   */
  async serve(
    req: IncomingMessage,
    res: ServerResponse,
    principal: string,
    withId: (id: unknown) => void,
  ): Promise<void> {
    const version = singleHeader(req, 'mcp-protocol-version');
    if (req.method === 'GET' || req.method === 'DELETE') {
      if (version !== undefined && version >= FIRST_MODERN_VERSION) return sendMethodNotAllowed(res, 'POST');
      return this.#sessions.handle(req, res, principal);
    }
    if (req.method !== 'POST') return sendMethodNotAllowed(res, 'GET, POST, DELETE');

    const message = await readMessage(req, this.#options.maxBodyBytes);
    if (typeof message === 'object' && message !== null && 'id' in message) withId(message.id);
    if (isLegacy(req, message)) return this.#sessions.handle(req, res, principal, message);
    if (this.#options.isClosing()) {
      throw new BridgeError('shutting_down', 'The bridge is stopping and takes no new requests.');
    }
    const list = this.#createServer.lists.find(message, req.headers, FIRST_MODERN_VERSION);
    if (sendPrepared(res, list)) return;
    // The token itself goes no further than here.
    const authInfo = { token: '', clientId: principal, scopes: [] };
    await sendResponse(
      res,
      await this.#modern.fetch(await webRequest(req), { parsedBody: message, authInfo }),
      list,
    );
  }

  /** Resolves when no call of the view runs, and at the latest after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void> {
    return this.#createServer.idle(timeoutMs);
  }

  /** Ends its sessions, its streams and what they run. */
  async close(): Promise<void> {
    this.endAnnouncements();
    await Promise.all([this.#sessions.close(), this.#modern.close()]);
  }
}

function isLegacy(req: IncomingMessage, body: unknown): boolean {
  const headers = withoutUndefined({
    protocolVersionHeader: singleHeader(req, 'mcp-protocol-version'),
    mcpMethodHeader: singleHeader(req, 'mcp-method'),
    mcpNameHeader: singleHeader(req, 'mcp-name'),
  });
  return classifyInboundRequest({ httpMethod: 'POST', ...headers, body }).kind === 'legacy';
}

function singleHeader(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}
