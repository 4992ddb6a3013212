import type { ServerResponse } from 'node:http';
import { after } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';

/** How long refused clients wait, in seconds. Streams end when clients leave, which nobody can foresee. */
const RETRY_S = 30;

export interface StreamLimits {
  /** The most streams in all. */
  readonly maxStreams: number;
  /** The most streams of one principal. */
  readonly maxPerPrincipal: () => number;
}

/** Whose stream it is. */
export interface StreamOwner {
  readonly principal: string;
  /** Path of the endpoint. */
  readonly path: string;
  /** The most streams of its view. */
  readonly maxPerView: number;
}

/** Limits the streams that stay open without a request: the GET streams of sessions and `subscriptions/listen`. */
export class StreamLimit {
  readonly #limits: StreamLimits;
  readonly #open = new Map<ServerResponse, StreamOwner>();

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** Whether a new stream would be refused to every client. */
  get full(): boolean {
    return this.#open.size >= this.#limits.maxStreams;
  }

  /**
   * Counts a response as a stream until it is closed.
   * @throws BridgeError `overloaded`.
   */
  add(res: ServerResponse, owner: StreamOwner): void {
    const { maxStreams, maxPerPrincipal } = this.#limits;
    const ofPrincipal = maxPerPrincipal();
    if (this.full) throw overloaded('As many streams as allowed', maxStreams, 'http.maxStreams');
    const others = [...this.#open.values()];
    if (others.filter(({ principal }) => principal === owner.principal).length >= ofPrincipal) {
      throw overloaded(
        'As many streams of this client as allowed',
        ofPrincipal,
        'limits.streamsPerPrincipal',
      );
    }
    if (others.filter(({ path }) => path === owner.path).length >= owner.maxPerView) {
      throw overloaded('As many streams of this view as allowed', owner.maxPerView, 'limits.streamsPerView');
    }
    if (res.destroyed) return;
    this.#open.set(res, owner);
    res.once('close', () => this.#open.delete(res));
  }

  /** Ends a response at a time, in milliseconds since the epoch, if it is a stream by then. */
  endAt(res: ServerResponse, time: number): void {
    const end = (): void => {
      if (this.#open.has(res)) res.destroy();
    };
    const stop = after(time - Date.now(), end, { ref: false });
    res.once('close', stop);
  }
}

function overloaded(what: string, limit: number, setting: string): BridgeError {
  return new BridgeError('overloaded', `${what} are open: ${limit}.`, {
    hint: `Requests are still served. Wait ${RETRY_S} s before the next attempt, or raise the setting ${setting}.`,
    retryAfterSeconds: RETRY_S,
  });
}
