import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { JsonObject } from '../model/json.ts';
import type { SealedRecords } from './records.ts';

const DAY_SECONDS = 86_400;

/** How long a registered client is kept that nobody has allowed yet. */
const NEW_CLIENT_SECONDS = DAY_SECONDS;
/** How long an authorization lasts that a person gave to a client, and so its client. */
export const GRANT_SECONDS = 90 * DAY_SECONDS;

export interface AdapterOptions {
  readonly records: SealedRecords;
  /** Returns the error for something that two requests use up at once. */
  readonly usedTwice: () => Error;
  readonly onGrantEnd: (accountId: string, grantId: string) => Promise<void>;
}

/** Stores the models of `oidc-provider` as sealed records. */
export class ProviderAdapter implements Adapter {
  readonly #kind: string;
  readonly #options: AdapterOptions;
  readonly #records: SealedRecords;

  constructor(kind: string, options: AdapterOptions) {
    this.#kind = kind;
    this.#options = options;
    this.#records = options.records;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const seconds = expiresIn ?? NEW_CLIENT_SECONDS;
    if (typeof payload.uid === 'string' && this.#kind === 'Session') {
      await this.#records.put('SessionUid', payload.uid, { id }, seconds);
    }
    await this.#records.put(this.#kind, id, payload as JsonObject, seconds);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#records.find(this.#kind, id);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const id = (await this.#records.find('SessionUid', uid))?.['id'];
    return typeof id === 'string' ? this.find(id) : undefined;
  }

  /** The device flow is off. */
  async findByUserCode(): Promise<undefined> {}

  /** Marks a code or a refresh token as used. Of two requests that do so at once, one is refused. */
  async consume(id: string): Promise<void> {
    const payload = await this.find(id);
    if (payload?.exp === undefined) throw this.#options.usedTwice();
    const now = Math.floor(Date.now() / 1000);
    const seconds = Math.max(1, payload.exp - now);
    if (!(await this.#records.claim(`used ${this.#kind}`, id, seconds))) throw this.#options.usedTwice();
    await this.#records.put(this.#kind, id, { ...(payload as JsonObject), consumed: now }, seconds);
  }

  async destroy(id: string): Promise<void> {
    const accountId = this.#kind === 'Grant' ? (await this.find(id))?.accountId : undefined;
    await this.#records.remove(this.#kind, id);
    if (accountId !== undefined) await this.#options.onGrantEnd(accountId, id);
  }

  /** Codes and tokens are valid only while their grant exists, which the provider destroys too. */
  async revokeByGrantId(): Promise<void> {}
}
