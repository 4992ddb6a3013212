import type { IncomingMessage, ServerResponse } from 'node:http';
import { refusal } from '../mcp/refusal.ts';
import type { BridgeError } from '../model/errors.ts';
import { wellFormedJson } from '../model/well-formed.ts';

/** Sends a JSON value. */
export function sendJson(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const body = wellFormedJson(value);
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...headers,
  });
  res.end(body);
}

/** Answers a request for a public JSON document. */
export function sendDocument({ method }: IncomingMessage, res: ServerResponse, document: object): void {
  if (method !== 'GET' && method !== 'HEAD') return sendMethodNotAllowed(res, 'GET, HEAD');
  sendJson(res, 200, document);
}

/**
 * Sends the error of a request that ends before any MCP answer, with status and code from ERROR_RULES. `id` is the ID
 * of the JSON-RPC request, if known.
 */
export function sendError(
  res: ServerResponse,
  error: BridgeError,
  id: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  const { retryAfterSeconds } = error;
  const answer = refusal(error, typeof id === 'string' || typeof id === 'number' ? id : null);
  const wait = retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) };
  sendJson(res, error.rule.http, answer, { ...headers, ...wait });
}

/** Refuses a method that the endpoint does not support in the client's revision. */
export function sendMethodNotAllowed(res: ServerResponse, allowed: string): void {
  const error = { code: -32_000, message: `Method not allowed: this endpoint takes ${allowed}.` };
  sendJson(res, 405, { jsonrpc: '2.0', id: null, error }, { Allow: allowed });
}

/** Answers a request at a path that its sender cannot use, and names those that it can. */
export function sendNothingHere(res: ServerResponse, paths: readonly string[]): void {
  const endpoints = paths.length === 1 ? `the MCP endpoint is ${paths[0]}` : `MCP is at ${paths.join(', ')}`;
  const error = paths.length === 0 ? 'Nothing is here.' : `Nothing is here: ${endpoints}.`;
  sendJson(res, 404, { error });
}
