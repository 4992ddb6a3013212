import { randomBytes } from 'node:crypto';
import { after, type Stop } from '../model/async.ts';
import type { Logger } from '../model/logger.ts';
import type { SessionRecords } from '../model/session-records.ts';
import type { RedisConnection } from '../redis/connection.ts';

const KEY = 'dify-mcp-bridge:session-key';
const ENDED = 'dify-mcp-bridge:ended-session:';
/** The channel for the nonces of sessions that clients ended. */
const NEWS = 'dify-mcp-bridge:ended-sessions';
/** The channel for requests that clients cancelled. */
const CANCELLED = 'dify-mcp-bridge:cancelled-requests';

/** How long to wait before the key is written again, in milliseconds. */
const RETRY_MS = 1000;

/** The records that all replicas share. If Redis is unavailable, every session counts as not ended. */
export class RedisSessions implements SessionRecords {
  readonly #connection: RedisConnection;
  readonly #logger: Logger;
  readonly #configured: Uint8Array | undefined;
  readonly #listeners = new Set<(nonce: string) => void>();
  readonly #cancelListeners = new Set<(nonce: string, requestId: string | number) => void>();
  #stored: string | undefined;
  #stopRetry: Stop = () => undefined;

  /** `key`: the one of the configuration; without it, the replicas share a key in Redis. */
  constructor(connection: RedisConnection, key: Uint8Array | undefined, logger: Logger) {
    this.#connection = connection;
    this.#configured = key;
    this.#logger = logger;
    connection.subscribe(
      NEWS,
      (nonce) => {
        for (const listener of this.#listeners) listener(nonce);
      },
      () => void this.#storeAgain(),
    );
    connection.subscribe(CANCELLED, (text) => {
      const [nonce, requestId] = JSON.parse(text) as [string, string | number];
      for (const listener of this.#cancelListeners) listener(nonce, requestId);
    });
  }

  async key(): Promise<Uint8Array> {
    if (this.#configured !== undefined) return this.#configured;
    this.#stored ??= await this.#agree(randomBytes(32).toString('hex'));
    return Buffer.from(this.#stored, 'hex');
  }

  async end(nonce: string, expiresAt: number): Promise<void> {
    try {
      await this.#connection.run((client) =>
        client
          .multi()
          .set(ENDED + nonce, '', { PX: Math.max(1, expiresAt - Date.now()) })
          .publish(NEWS, nonce)
          .exec(),
      );
    } catch (error) {
      this.#logger.debug('The end of a session could not be written to Redis', { error });
    }
  }

  async hasEnded(nonce: string): Promise<boolean> {
    try {
      return (await this.#connection.run((client) => client.exists(ENDED + nonce))) === 1;
    } catch (error) {
      this.#logger.debug('Redis could not be asked whether a session has ended', { error });
      return false;
    }
  }

  onEnd(listener: (nonce: string) => void): void {
    this.#listeners.add(listener);
  }

  async cancel(nonce: string, requestId: string | number): Promise<void> {
    try {
      await this.#connection.run((client) => client.publish(CANCELLED, JSON.stringify([nonce, requestId])));
    } catch (error) {
      this.#logger.debug('The other replicas could not be told that a request was cancelled', { error });
    }
  }

  onCancel(listener: (nonce: string, requestId: string | number) => void): void {
    this.#cancelListeners.add(listener);
  }

  /** Returns the key in Redis, which is the given one if there was none. */
  #agree(key: string): Promise<string> {
    return this.#connection.run(async (client) => {
      await client.set(KEY, key, { NX: true });
      return (await client.get(KEY)) ?? key;
    });
  }

  /** Redis may have lost the key. Replicas that start later need it. */
  async #storeAgain(): Promise<void> {
    const key = this.#stored;
    if (key === undefined) return;
    this.#stopRetry();
    try {
      await this.#agree(key);
    } catch {
      // Listening begins again before commands are possible.
      this.#stopRetry = after(RETRY_MS, () => void this.#storeAgain(), { ref: false });
    }
  }
}
