import { after, type Stop } from '../model/async.ts';
import type { RedisConnection } from '../redis/connection.ts';

const REVOKED = 'dify-mcp-bridge:revoked-keys';
/** The channel for changes of the set. */
const NEWS = 'dify-mcp-bridge:revoked-keys-changed';
/** How long revocations are stored: by then, each replica has a file without the key. */
const KEEP_S = 30 * 24 * 60 * 60;
/** How long to wait before the next attempt to read them, in milliseconds. */
const RETRY_MS = 1000;

/**
 * The keys that one replica found removed from its file, for the replicas whose files still have them. If Redis is
 * unavailable, those that are known stay revoked.
 */
export class RedisRevocations {
  readonly #connection: RedisConnection;
  readonly #listeners: ((sha256: string) => void)[] = [];
  #revoked: ReadonlySet<string> = new Set();
  /** Those of this replica. Redis may be unavailable, or lose them. */
  readonly #own = new Set<string>();
  readonly #withdrawn = new Set<string>();
  #stopRetry: Stop = () => undefined;

  constructor(connection: RedisConnection) {
    this.#connection = connection;
    const load = (): void => void this.#load();
    connection.subscribe(NEWS, load, load);
  }

  has(sha256: string): boolean {
    return this.#revoked.has(sha256) || this.#own.has(sha256);
  }

  /** Revokes keys on all replicas. */
  add(hashes: readonly string[]): void {
    for (const sha256 of hashes) {
      this.#own.add(sha256);
      this.#withdrawn.delete(sha256);
    }
    if (hashes.length > 0) void this.#load();
  }

  /** Admits keys again that this replica revoked, because they are back in its file. */
  withdraw(hashes: readonly string[]): void {
    const back = hashes.filter((sha256) => this.#own.delete(sha256));
    for (const sha256 of back) this.#withdrawn.add(sha256);
    if (back.length > 0) void this.#load();
  }

  /** Calls back with each key that another replica revoked. */
  onAdd(listener: (sha256: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Writes the revocations of this replica, tells the others what that changed, and reads those of all. */
  async #load(): Promise<void> {
    this.#stopRetry();
    const [own, withdrawn] = [[...this.#own], [...this.#withdrawn]];
    try {
      const members = await this.#connection.run(async (client) => {
        const added = own.length === 0 ? 0 : await client.sAdd(REVOKED, own);
        const removed = withdrawn.length === 0 ? 0 : await client.sRem(REVOKED, withdrawn);
        await client.expire(REVOKED, KEEP_S);
        // A Redis that lost them has changed too, and the other replicas may have read it before.
        if (added + removed > 0) await client.publish(NEWS, '');
        return client.sMembers(REVOKED);
      });
      for (const sha256 of withdrawn) this.#withdrawn.delete(sha256);
      const before = this.#revoked;
      this.#revoked = new Set(members);
      for (const sha256 of members) {
        if (!before.has(sha256)) for (const listener of this.#listeners) listener(sha256);
      }
    } catch {
      if (this.#connection.isClosed) return;
      // Listening begins again before commands are possible.
      this.#stopRetry = after(RETRY_MS, () => void this.#load(), { ref: false });
    }
  }
}
