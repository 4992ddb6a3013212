import { randomUUID } from 'node:crypto';
import {
  type JSONRPCMessage,
  type RequestId,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { createSessionEvents, type EventBudget, type SessionEvents } from './event-store.ts';

export interface SessionOptions {
  readonly server: Server;
  /** Whether a call of the server runs. */
  readonly isCalling: () => boolean;
  /** Who opens it. */
  readonly principal: string;
  readonly budget: EventBudget;
  /** A silent event stream carries a comment at least this often, in milliseconds. */
  readonly keepAliveMs: number;
}

/** One session of the 2025 revisions: a server and its Streamable HTTP transport, which streams every answer. */
export interface Session {
  readonly id: string;
  readonly server: Server;
  /** Whether a call of it runs. */
  readonly isCalling: () => boolean;
  /** Whose it is. */
  readonly principal: string;
  readonly events: SessionEvents;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** Responses that are open now or about to be, the GET stream included. */
  open: number;
  /** When the last response ended, by `performance.now()`. */
  usedAt: number;
}

/** A session that waits for its `initialize`, whose response counts as open. */
export async function openSession({
  server,
  isCalling,
  principal,
  budget,
  keepAliveMs,
}: SessionOptions): Promise<Session> {
  const id = randomUUID();
  const events = createSessionEvents(budget);
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => id,
    eventStore: events,
    keepAliveMs,
  });
  await server.connect(transport);
  return {
    id,
    server,
    isCalling,
    principal,
    events,
    transport,
    open: 1,
    usedAt: performance.now(),
  };
}

/** Whether the session has an open response or a running call: it does not end by itself then. */
export function isInUse({ open, isCalling }: Session): boolean {
  return open > 0 || isCalling();
}

/** Counts a response of the session as closed. */
export function release(session: Session): void {
  session.open -= 1;
  session.usedAt = performance.now();
}

/**
 * Ends the response stream of a request that its client cancelled. No answer follows a cancellation, and the
 * transport would keep stream and bookkeeping until one does; so it is given one that is sent to nobody.
 */
export async function settleCancelled({ events, transport }: Session, requestId: RequestId): Promise<void> {
  const ending: JSONRPCMessage = {
    jsonrpc: '2.0',
    id: requestId,
    error: { code: -32_000, message: 'The request was cancelled.' },
  };
  events.dropStreamAt(ending);
  transport.closeSSEStream(requestId);
  // It rejects when the request was answered before the cancellation came: nothing is left to settle then.
  await transport.send(ending).catch(() => undefined);
}
