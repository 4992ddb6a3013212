import type { RedisConnection } from '../redis/connection.ts';
import type { RecordBackend } from './records.ts';

const PREFIX = 'dify-mcp-bridge:sign-in:';

/** The records that all replicas share. Every method rejects with `state_unavailable` if Redis does not answer. */
export class RedisRecords implements RecordBackend {
  readonly #connection: RedisConnection;

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  async get(name: string): Promise<string | undefined> {
    return (await this.#connection.run((client) => client.get(PREFIX + name))) ?? undefined;
  }

  async set(name: string, value: string, ttlMs: number): Promise<void> {
    await this.#connection.run((client) => client.set(PREFIX + name, value, { PX: ttlMs }));
  }

  async add(name: string, value: string, ttlMs: number): Promise<boolean> {
    const answer = await this.#connection.run((client) =>
      client.set(PREFIX + name, value, { PX: ttlMs, NX: true }),
    );
    return answer !== null;
  }

  async remove(name: string): Promise<void> {
    await this.#connection.run((client) => client.del(PREFIX + name));
  }

  async close(): Promise<void> {}
}
