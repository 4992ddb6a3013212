import type { IncomingMessage } from 'node:http';
import type { HttpOrigin } from '../mcp/call-origin.ts';
import { after, type Stop } from '../model/async.ts';
import { logText } from '../model/log-text.ts';
import type { LogFields, Logger } from '../model/logger.ts';

/** The shortest time between two log lines about the same reason, in milliseconds. */
const INTERVAL_MS = 60_000;

/** A kind of refusal that had a log line less than an interval ago. */
interface Recent {
  refused: number;
  fields: LogFields;
  stop?: Stop;
}

/** Logs refused requests and connections: the first of each reason at once, the others together once a minute. */
export class Refusals {
  readonly #logger: Logger;
  readonly #recent = new Map<string, Recent>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Counts a refusal. `reason` is one of a few words, `detail` a constant sentence. */
  add(reason: string, detail: string, { address, forwardedFor }: Origin): void {
    const fields = { reason, detail, address, forwardedFor };
    const recent = this.#recent.get(reason);
    if (recent === undefined) this.#write(reason, { refused: 1, fields });
    else {
      recent.refused += 1;
      recent.fields = fields;
    }
  }

  /** Logs what has been counted since the last lines. */
  end(): void {
    for (const recent of this.#recent.values()) {
      recent.stop?.();
      this.#log(recent);
    }
    this.#recent.clear();
  }

  #write(reason: string, recent: Recent): void {
    this.#log(recent);
    recent.refused = 0;
    recent.stop = after(INTERVAL_MS, () => this.#again(reason, recent), { ref: false });
    this.#recent.set(reason, recent);
  }

  #again(reason: string, recent: Recent): void {
    if (recent.refused > 0) this.#write(reason, recent);
    else this.#recent.delete(reason);
  }

  #log({ refused, fields }: Recent): void {
    if (refused > 0) this.#logger.warn('Requests were refused', { ...fields, refused });
  }
}

/** Where a request came from. */
export interface Origin {
  readonly address: string | undefined;
  /** What a proxy says about its client. Without a proxy, the client itself may say anything here. */
  readonly forwardedFor?: string | undefined;
}

export function originOfRequest(req: IncomingMessage): Origin {
  return { address: addressOf(req), forwardedFor: logText(String(req.headers['x-forwarded-for'] ?? '')) };
}

/** Returns the address of the other end of a connection; an IPv4 address as such. */
export function addressOf({ socket }: Pick<IncomingMessage, 'socket'>): string | undefined {
  return socket.remoteAddress?.replace(/^::ffff:/, '');
}

/** Returns what the log reports of the sender of a request to a server. */
export function httpOrigin(req: IncomingMessage): HttpOrigin {
  const text = (header: string | string[] | undefined): string | undefined =>
    Array.isArray(header) ? header.join(', ') : header;
  const { traceparent, tracestate, 'x-forwarded-for': forwardedFor } = req.headers;
  return {
    address: addressOf(req),
    forwardedFor: text(forwardedFor),
    traceparent: text(traceparent),
    tracestate: text(tracestate),
  };
}
