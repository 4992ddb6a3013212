import type { ServerResponse } from 'node:http';
import { after } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';

/** Limits the streams that stay open without a request: the GET streams of sessions and `subscriptions/listen`. */
export class StreamLimit {
  readonly #max: number;
  readonly #open = new Set<ServerResponse>();

  constructor(maxStreams: number) {
    this.#max = maxStreams;
  }

  /** Whether a new stream would be refused. */
  get full(): boolean {
    return this.#open.size >= this.#max;
  }

  /**
   * Counts a response as a stream until it is closed.
   * @throws BridgeError `overloaded`.
   */
  add(res: ServerResponse): void {
    if (this.full) {
      throw new BridgeError('overloaded', `As many streams as allowed are open: ${this.#max}.`, {
        hint: 'Requests are still served. Try again later, or raise the setting http.maxStreams.',
      });
    }
    if (res.destroyed) return;
    this.#open.add(res);
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
