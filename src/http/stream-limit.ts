import type { ServerResponse } from 'node:http';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { rateLimited } from '../model/rate-limited.ts';

/** The shortest time between two log lines, in milliseconds. */
const LOG_INTERVAL_MS = 60_000;

/** Limits the streams that stay open without a request: the GET streams of sessions and `subscriptions/listen`. */
export class StreamLimit {
  readonly #max: number;
  readonly #logRefused: () => void;
  #open = 0;

  constructor(maxStreams: number, logger: Logger) {
    this.#max = maxStreams;
    this.#logRefused = rateLimited(LOG_INTERVAL_MS, (refused) => {
      const about = { setting: 'http.maxStreams', maxStreams, refused };
      logger.warn('A stream was refused: as many as allowed are open', about);
    });
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
      this.#logRefused();
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
