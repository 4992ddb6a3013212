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
  add(reason: string, detail: string, { address, forwardedFor }: HttpOrigin): void {
    const fields = { reason, detail, address, forwardedFor: logText(forwardedFor) };
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

/** Returns what the log reports of the sender of a request to a server. */
export function httpOrigin(req: IncomingMessage): HttpOrigin {
  return {
    // An IPv4 address without the prefix that IPv6 gives it.
    address: req.socket.remoteAddress?.replace(/^::ffff:/, ''),
    forwardedFor: headerOf(req, 'x-forwarded-for'),
    traceparent: headerOf(req, 'traceparent'),
    tracestate: headerOf(req, 'tracestate'),
  };
}

/** Returns a header as one text; undefined if it is missing. */
export function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}
