import { hash } from 'node:crypto';
import { abortable } from '../../model/async.ts';
import { BridgeError } from '../../model/errors.ts';
import type { Logger } from '../../model/logger.ts';
import type { EndUserRecords, EndUsers } from '../../model/ports.ts';
import type { InnerAccess } from '../files/download-request.ts';
import { requestUploadUrl } from '../files/upload-request.ts';
import type { DifyHttp } from '../wire/http.ts';

/** The most principals whose end users are remembered in memory. */
const MAX_REMEMBERED = 10_000;
const FILE = { filename: 'end-user.txt', mimeType: 'text/plain' };

export interface EndUserOptions extends InnerAccess {
  readonly records: EndUserRecords;
  readonly logger: Logger;
}

/**
 * An end user of Dify for each principal. Dify inserts a row whenever it gets an ID that it does not know, and looks end
 * users up by the ID of their row alone. Only the address of an upload says which ID a row has. So the bridge requests
 * one before the first call of a principal, with the ID that it recorded for it, and sends what Dify answers from then on.
 */
export class DifyEndUsers implements EndUsers {
  readonly #http: DifyHttp;
  readonly #options: EndUserOptions;
  readonly #known = new Map<string, Promise<string>>();

  constructor(http: DifyHttp, options: EndUserOptions) {
    this.#http = http;
    this.#options = options;
  }

  idOf(principal: string, signal: AbortSignal): Promise<string> {
    let id = this.#known.get(principal);
    if (id === undefined) {
      id = this.#find(principal);
      this.#known.set(principal, id);
      id.catch(() => this.#known.delete(principal));
      const [oldest] = this.#known.keys();
      if (this.#known.size > MAX_REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    }
    return abortable(id, signal);
  }

  async #find(principal: string): Promise<string> {
    const { records, logger, tenantId } = this.#options;
    const session = sessionOf(tenantId, principal);
    const recorded = await records.get(session);
    const id = await this.#resolve(recorded ?? session);
    if (id === recorded) return id;
    logger.info('Dify created an end user for a principal', { principal, endUser: id });
    return records.put(session, id, recorded);
  }

  /** Resolves with the ID of the end user that Dify finds or creates for an ID. */
  async #resolve(userId: string): Promise<string> {
    // Several calls may wait for it, so that none of them ends it.
    const { signal } = new AbortController();
    const url = await requestUploadUrl(this.#http, { ...this.#options, userId }, FILE, signal).catch(
      unsupported,
    );
    const id = new URL(url, 'http://dify').searchParams.get('user_id');
    if (id !== null && id !== '') return id;
    throw new BridgeError('upstream_rejected', 'Dify does not say which end user a call runs as.', {
      hint: 'The operator of the bridge can unset dify.userPerPrincipal.',
    });
  }
}

/** Older releases refuse an ID that they do not know. */
function unsupported(error: unknown): never {
  if (!(error instanceof BridgeError) || error.upstream?.status !== 400) throw error;
  throw new BridgeError('upstream_rejected', 'Dify does not create an end user for the caller.', {
    hint: 'dify.userPerPrincipal requires Dify 1.9.0 or later. Tell the user that the operator of the bridge must unset it or upgrade Dify.',
    cause: error,
    upstream: error.upstream,
  });
}

/** Returns a UUID that is always the same for a principal and from which the principal cannot be read. */
function sessionOf(tenantId: string, principal: string): string {
  const bytes = hash('sha256', JSON.stringify([tenantId, principal]), 'buffer').subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
