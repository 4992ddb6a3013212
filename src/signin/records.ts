import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { SignInKeys } from './sealing.ts';

/** Where records are stored. Names and values are texts without a meaning. */
export interface RecordBackend {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string, ttlMs: number): Promise<void>;
  /** Stores a value unless there is one already. Resolves with whether it did. */
  add(name: string, value: string, ttlMs: number): Promise<boolean>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

const POLL_MS = 25;
/** Longer than any holder works: a request to Dify ends after 30 s. */
const LOCK_MS = 60_000;

/** Everything that signing in stores, encrypted. */
export class SealedRecords {
  readonly #backend: RecordBackend;
  readonly #keys: SignInKeys;

  constructor(backend: RecordBackend, keys: SignInKeys) {
    this.#backend = backend;
    this.#keys = keys;
  }

  /** Resolves with a record; undefined if there is none, or one of another key. */
  async find(kind: string, id: string): Promise<JsonObject | undefined> {
    const name = this.#keys.nameOf(kind, id);
    const sealed = await this.#backend.get(name);
    const text = sealed === undefined ? undefined : this.#keys.unseal(sealed, name);
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  }

  async put(kind: string, id: string, value: JsonObject, ttlSeconds: number): Promise<void> {
    const name = this.#keys.nameOf(kind, id);
    await this.#backend.set(name, this.#keys.seal(JSON.stringify(value), name), ttlSeconds * 1000);
  }

  /** Resolves with true for the first caller only. */
  async claim(kind: string, id: string, ttlSeconds: number): Promise<boolean> {
    return this.#backend.add(this.#keys.nameOf(kind, id), '', ttlSeconds * 1000);
  }

  async remove(kind: string, id: string): Promise<void> {
    await this.#backend.remove(this.#keys.nameOf(kind, id));
  }

  /** Runs an action while no other one runs for the same record, in any replica. */
  async locked<T>(kind: string, id: string, action: () => Promise<T>): Promise<T> {
    const lock = `lock of ${kind}`;
    while (!(await this.claim(lock, id, LOCK_MS / 1000))) await sleep(POLL_MS);
    try {
      return await action();
    } finally {
      await this.remove(lock, id);
    }
  }

  close(): Promise<void> {
    return this.#backend.close();
  }
}
