import type { ServerResponse } from 'node:http';
import { BridgeError } from '../model/errors.ts';

/** Limits the streams that stay open without a request: the GET streams of sessions and `subscriptions/listen`. */
export class StreamLimit {
  readonly #max: number;
  #open = 0;

  constructor(maxStreams: number) {
    this.#max = maxStreams;
  }

  /** Whether a new stream would be refused. */
  get full(): boolean {
    return this.#open >= this.#max;
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
    this.#open += 1;
    res.once('close', () => {
      this.#open -= 1;
    });
  }
}
