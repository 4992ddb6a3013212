import type { IncomingMessage, ServerResponse } from 'node:http';
import { classifyInboundRequest, type McpHttpHandler } from '@modelcontextprotocol/server';
import { BridgeError } from '../model/errors.ts';
import { sendMethodNotAllowed } from './responses.ts';
import { readMessage } from './body.ts';
import type { SessionGroup } from './sessions.ts';
import { sendResponse, webRequest } from './web-exchange.ts';

/** The first revision without sessions. Versions are dates, so they compare as texts. */
const FIRST_MODERN_VERSION = '2026-07-28';

export interface EndpointOptions {
  readonly modern: McpHttpHandler;
  readonly sessions: SessionGroup;
  readonly maxBodyBytes: number;
  /** True once the bridge stops. */
  readonly isClosing: () => boolean;
}

/** What is known of a request besides the request itself. */
export interface RequestFacts {
  /** Whose it is. */
  readonly principal: string;
  /** Learns the id of a JSON-RPC request as soon as it is read. */
  readonly withId: (id: unknown) => void;
}

/**
 * Serves an admitted request to the MCP endpoint and picks the revision it speaks: a request that carries the
 * envelope of 2026-07-28 goes to the stateless handler, any other to its session. Resolves when the response is
 * complete. Throws a BridgeError where the request ends before any MCP answer.
 */
export function createEndpoint({ modern, sessions, maxBodyBytes, isClosing }: EndpointOptions) {
  return async (
    req: IncomingMessage,
    res: ServerResponse,
    { principal, withId }: RequestFacts,
  ): Promise<void> => {
    const version = singleHeader(req, 'mcp-protocol-version');
    if (req.method === 'GET' || req.method === 'DELETE') {
      if (version !== undefined && version >= FIRST_MODERN_VERSION) return sendMethodNotAllowed(res, 'POST');
      return sessions.handle(req, res, { principal });
    }
    if (req.method !== 'POST') return sendMethodNotAllowed(res, 'GET, POST, DELETE');

    const message = await readMessage(req, maxBodyBytes);
    if (typeof message === 'object' && message !== null && 'id' in message) withId(message.id);
    if (classify(req, version, message) === 'legacy')
      return sessions.handle(req, res, { principal, message });
    if (isClosing()) {
      throw new BridgeError('shutting_down', 'The bridge is stopping and takes no new requests.');
    }
    // The token itself goes no further than here.
    const authInfo = { token: '', clientId: principal, scopes: [] };
    await sendResponse(res, await modern.fetch(await webRequest(req), { parsedBody: message, authInfo }));
  };
}

function classify(req: IncomingMessage, version: string | undefined, body: unknown): string {
  const method = singleHeader(req, 'mcp-method');
  const name = singleHeader(req, 'mcp-name');
  return classifyInboundRequest({
    httpMethod: 'POST',
    ...(version === undefined ? {} : { protocolVersionHeader: version }),
    ...(method === undefined ? {} : { mcpMethodHeader: method }),
    ...(name === undefined ? {} : { mcpNameHeader: name }),
    body,
  }).kind;
}

function singleHeader(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}
