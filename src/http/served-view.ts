import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  classifyInboundRequest,
  createMcpHandler,
  type JSONRPCMessage,
  type McpHttpHandler,
  PROTOCOL_VERSION_META_KEY,
} from '@modelcontextprotocol/server';
import { type Incoming, messageError, MODERN_REVISION } from '../mcp/incoming.ts';
import type { ServerFactory } from '../mcp/server.ts';
import { BridgeError } from '../model/errors.ts';
import { isJsonObject, withoutUndefined } from '../model/json.ts';
import type { Logger } from '../model/logger.ts';
import type { OutgoingMemory } from '../model/memory-budget.ts';
import type { ToolListSource } from '../model/registry.ts';
import type { Bodies } from './body.ts';
import { directCallIn } from './direct-call.ts';
import { DirectServer } from './direct-server.ts';
import { PreparedLists } from './prepared-lists.ts';
import { headerOf, httpOrigin } from './refusals.ts';
import { sendMethodNotAllowed } from './responses.ts';
import { SessionGroup } from './session-group.ts';
import type { Sessions } from './sessions.ts';
import type { StreamLimit } from './stream-limit.ts';
import { answerForm, sendResponse, webRequest } from './web-exchange.ts';

/** One view, which is served at its own path. */
export interface HttpView {
  readonly name: string;
  /** The path of its endpoint, such as `/mcp` or `/mcp/support`. */
  readonly path: string;
  /** Creates its servers. */
  readonly createServer: ServerFactory;
  /** Its tools. Only its own clients are notified of a change. */
  readonly tools: ToolListSource;
  /** The most event streams on which its clients wait. Default: as many as the host allows. May change. */
  readonly streamsPerView?: number | undefined;
}

export interface ServedViewOptions {
  readonly sessions: Sessions;
  readonly bodies: Bodies;
  readonly streams: StreamLimit;
  readonly keepAliveMs: number;
  /** Returns whether the bridge is stopping. */
  readonly isClosing: () => boolean;
  readonly memory: OutgoingMemory;
  readonly logger: Logger;
}

/** A served view with its own sessions and stateless handler. */
export class ServedView {
  readonly name: string;
  readonly path: string;
  /** Stops notifying clients of changes. */
  readonly endAnnouncements: () => void;
  readonly #createServer: ServerFactory;
  readonly #options: ServedViewOptions;
  readonly #sessions: SessionGroup;
  readonly #lists: PreparedLists;
  readonly #modern: McpHttpHandler;
  readonly #direct: DirectServer;
  readonly #view: HttpView;

  constructor(view: HttpView, options: ServedViewOptions) {
    const { name, path, createServer, tools } = view;
    const { keepAliveMs, logger } = options;
    this.#view = view;
    this.name = name;
    this.path = path;
    this.#createServer = createServer;
    this.#options = options;
    this.#lists = new PreparedLists(tools);
    this.#sessions = new SessionGroup(createServer, path, options.sessions, this.#lists, options.memory);
    this.#modern = createMcpHandler(({ era }) => createServer({ era }), {
      legacy: 'reject',
      responseMode: 'sse',
      keepAliveMs,
      // The limit on streams holds for these as well.
      maxSubscriptions: Number.MAX_SAFE_INTEGER,
      onerror: (error) => logger.debug('A stateless request was refused', { error }),
    });
    this.#direct = new DirectServer(createServer, { keepAliveMs, memory: options.memory });
    this.endAnnouncements = tools.onChange(() => {
      this.#sessions.announceChange();
      this.#modern.notify.toolsChanged();
    });
  }

  /**
   * Serves an admitted request of a principal in its revision: a request with the envelope of 2026-07-28 goes to the
   * stateless handler, any other to its session. Calls `withId` with the ID of the JSON-RPC request as soon as it is
   * known. Resolves when the response is complete. Throws a BridgeError if the request ends before any MCP answer.
   */
  async serve(
    req: IncomingMessage,
    res: ServerResponse,
    principal: string,
    withId: (id: unknown) => void,
  ): Promise<void> {
    const { bodies, streams } = this.#options;
    const addStream = (): void => {
      const { streamsPerView: maxPerView = Number.POSITIVE_INFINITY } = this.#view;
      streams.add(res, { principal, path: this.path, maxPerView });
    };
    if (req.method === 'GET' || req.method === 'DELETE') {
      const version = headerOf(req, 'mcp-protocol-version');
      // Revisions are dates, so they can be compared as texts.
      if (version !== undefined && version >= MODERN_REVISION) return sendMethodNotAllowed(res, 'POST');
      if (req.method === 'GET') {
        // Clients ask before they have a session whether there is a stream at all.
        if (req.headers['mcp-session-id'] === undefined) return sendMethodNotAllowed(res, 'POST');
        addStream();
      }
      return this.#sessions.handle(req, res, principal);
    }
    if (req.method !== 'POST') return sendMethodNotAllowed(res, 'GET, POST, DELETE');

    const body = await bodies.readJson(req);
    if (isJsonObject(body)) withId(body['id']);
    const message = checkedBody(body);
    // Only sessions know batches.
    if (Array.isArray(message)) return this.#sessions.handle(req, res, principal, message);
    if (isOfSession(req, message as JSONRPCMessage))
      return this.#sessions.handle(req, res, principal, message);
    const route = routeOf(req, message);
    if (route.kind === 'legacy') return this.#sessions.handle(req, res, principal, message);
    if (this.#options.isClosing()) {
      throw new BridgeError('shutting_down', 'The bridge is stopping and takes no new requests.');
    }
    if (isJsonObject(message) && message['method'] === 'subscriptions/listen') addStream();
    const form = answerForm(req.headers.accept, message);
    const list = this.#lists.find(req, message, MODERN_REVISION, form);
    if (list?.send(res) === true) return;
    // The token itself is not passed on.
    const authInfo = { token: '', clientId: principal, scopes: [], extra: { ...httpOrigin(req) } };
    const direct = isExact(req, route) ? directCallIn(message, form) : undefined;
    if (direct !== undefined) return this.#direct.serve(res, direct, authInfo);
    const response = await this.#modern.fetch(await webRequest(req), { parsedBody: message, authInfo });
    await sendResponse(res, response, { form, onJson: list?.learn, memory: this.#options.memory });
  }

  /** Resolves when no call of the view is running, after `timeoutMs` at the latest. */
  idle(timeoutMs: number): Promise<void> {
    return this.#createServer.idle(timeoutMs);
  }

  /** Ends its sessions and streams, and cancels their calls. */
  async close(): Promise<void> {
    this.endAnnouncements();
    await Promise.all([this.#sessions.close(), this.#modern.close(), this.#direct.close()]);
  }
}

/** Returns a body. @throws BridgeError `bad_request` or `invalid_params` if it is neither a message nor a batch. */
function checkedBody(body: unknown): Incoming {
  const isBatch = Array.isArray(body);
  if (isBatch && body.length === 0) throw new BridgeError('bad_request', 'The batch is empty.');
  const error = isBatch ? undefined : messageError(body);
  if (error !== undefined) throw error;
  return body as Incoming;
}

/** Whether neither the headers nor the body name 2026-07-28: the SDK takes longer to find that out than for a call. */
function isOfSession(req: IncomingMessage, message: JSONRPCMessage): boolean {
  const revision = headerOf(req, 'mcp-protocol-version');
  if (revision !== undefined && revision >= MODERN_REVISION) return false;
  const meta = 'method' in message ? message.params?._meta : undefined;
  return meta === undefined || !(PROTOCOL_VERSION_META_KEY in meta);
}

/** Returns the route of a request, as the SDK chooses it. */
function routeOf(req: IncomingMessage, body: unknown): ReturnType<typeof classifyInboundRequest> {
  const headers = withoutUndefined({
    protocolVersionHeader: headerOf(req, 'mcp-protocol-version'),
    mcpMethodHeader: headerOf(req, 'mcp-method'),
    mcpNameHeader: headerOf(req, 'mcp-name'),
  });
  return classifyInboundRequest({ httpMethod: 'POST', ...headers, body });
}

/** Whether a request names its revision, method and tool in its headers as in its body, as 2026-07-28 demands. */
function isExact({ headers }: IncomingMessage, route: ReturnType<typeof routeOf>): boolean {
  if (route.kind !== 'modern' || route.messageKind !== 'request') return false;
  const { method, params } = route.message;
  return (
    route.classification.revision === MODERN_REVISION &&
    headers['mcp-protocol-version'] === MODERN_REVISION &&
    headers['mcp-method'] === method &&
    headers['mcp-name'] === params?.['name']
  );
}
