import { BridgeError } from '../../model/errors.ts';
import { objectOf, textOf } from '../../model/json.ts';
import type { ConsoleSession } from '../console/session.ts';
import { readReply } from '../wire/reply.ts';
import { accountError } from './account-errors.ts';
import { Draft } from './draft.ts';

export interface BridgeAppOptions {
  readonly session: ConsoleSession;
  /** Rejects if the account is not in the configured workspace. */
  readonly checkWorkspace: (signal: AbortSignal) => Promise<unknown>;
  /** Whether the operator agreed that the bridge makes the app. */
  readonly mayCreate: boolean;
}

export const APP_NAME = 'MCP bridge';
/** Tells the bridge's app from others of the same name. */
const MARK = 'Made by the bridge: please do not edit.';
const APPS = '/console/api/apps';
const PAGE_SIZE = 100;
/** More pages than any account has apps of that name. */
const MAX_PAGES = 20;

/** The app of the bridge's account in the workspace, in whose draft tools run. Found at the first use. */
export class BridgeApp {
  /** The version that Dify reported last. */
  version: string | undefined;
  readonly #options: BridgeAppOptions;
  #draft: Promise<Draft> | undefined;

  constructor(options: BridgeAppOptions) {
    this.#options = options;
  }

  /** Resolves with the draft of the app. Rejects with `app_missing` if there is none and the bridge may not make it. */
  draft(): Promise<Draft> {
    // Several calls wait for the same app, so that none of their signals ends the search.
    this.#draft ??= this.#locate().catch((error: unknown) => {
      this.#draft = undefined;
      throw error;
    });
    return this.#draft;
  }

  /** Forgets the app of a draft that no longer exists. */
  async forget(draft: Draft): Promise<void> {
    if ((await this.#draft?.catch(() => undefined)) === draft) this.#draft = undefined;
  }

  /** Resolves with the ID of the account's app; undefined if it has none. */
  async find(signal: AbortSignal): Promise<string | undefined> {
    const found: { readonly id: string; readonly createdAt: number }[] = [];
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const query = `page=${page}&limit=${PAGE_SIZE}&name=${encodeURIComponent(APP_NAME)}&is_created_by_me=true`;
      const { data, has_more: hasMore } = await this.#get(`${APPS}?${query}`, signal);
      const apps = Array.isArray(data) ? data.map(objectOf) : [];
      for (const { id, mode, description, created_at: createdAt } of apps) {
        const isOwn = mode === 'workflow' && typeof description === 'string' && description.includes(MARK);
        if (isOwn && typeof id === 'string') found.push({ id, createdAt: Number(createdAt) || 0 });
      }
      if (hasMore !== true || apps.length === 0) break;
    }
    // Two bridges that made one at the same time choose the same.
    found.sort((left, right) => left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1));
    return found[0]?.id;
  }

  /** Makes the app and resolves with the ID of the account's app. Call only with the operator's consent. */
  async create(signal: AbortSignal): Promise<string> {
    const { session } = this.#options;
    const body = {
      name: APP_NAME,
      mode: 'workflow',
      icon_type: 'emoji',
      icon: '🌉',
      icon_background: '#FFEAD5',
      description: `Runs tools for MCP clients. ${MARK}`,
    };
    const answer = await session.send({ method: 'POST', path: APPS, content: () => ({ body }), signal });
    if (answer.status !== 201) throw accountError(session, answer, await readReply(answer));
    const id = textOf(objectOf(await answer.json())['id']);
    // Another bridge of the account may have made one meanwhile.
    const chosen = (await this.find(signal)) ?? id;
    if (chosen !== undefined) return chosen;
    throw new BridgeError('upstream_error', 'Dify created the app but returned no ID.');
  }

  async #locate(): Promise<Draft> {
    const signal = AbortSignal.any([]);
    const { checkWorkspace, mayCreate, session } = this.#options;
    await checkWorkspace(signal);
    const id = (await this.find(signal)) ?? (mayCreate ? await this.create(signal) : undefined);
    if (id !== undefined) return new Draft(session, id);
    const message = `This account has no app "${APP_NAME}" in the Dify workspace, in which the bridge runs tools.`;
    throw new BridgeError('app_missing', message, {
      hint: 'Set DIFY_CREATE_APP=true (dify.createApp) so that the bridge creates it, and restart the bridge. Nothing was sent to the tool.',
    });
  }

  async #get(path: string, signal: AbortSignal) {
    const { session } = this.#options;
    const answer = await session.send({ method: 'GET', path, signal });
    this.version = answer.version ?? this.version;
    if (answer.status === 200) return objectOf(await answer.json());
    throw accountError(session, answer, await readReply(answer));
  }
}
