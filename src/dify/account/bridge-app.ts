import { BridgeError } from '../../model/errors.ts';
import { listOf, objectOf, textOf } from '../../model/json.ts';
import type { ConsoleSession } from '../console/session.ts';
import { expectStatus } from './account-errors.ts';
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
/** More pages than any account has apps of one name. */
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
    const { session } = this.#options;
    const found: { readonly id: string; readonly createdAt: number }[] = [];
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const query = `page=${page}&limit=${PAGE_SIZE}&name=${encodeURIComponent(APP_NAME)}&is_created_by_me=true`;
      const answer = await session.send({ method: 'GET', path: `${APPS}?${query}`, signal });
      const { data, has_more: hasMore } = await expectStatus(session, answer, 200);
      this.version = answer.version ?? this.version;
      const apps = listOf(data).map(objectOf);
      for (const { id, mode, name, description, created_at: createdAt } of apps) {
        const isOurs = mode === 'workflow' && name === APP_NAME && textOf(description)?.includes(MARK);
        if (isOurs && typeof id === 'string') found.push({ id, createdAt: Number(createdAt) || 0 });
      }
      if (hasMore !== true || apps.length === 0) break;
    }
    // The oldest: two bridges that made one at the same time choose the same.
    found.sort((left, right) => left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1));
    return found[0]?.id;
  }

  /** Makes the app and resolves with the ID of the account's app. Call only with the operator's consent. */
  async create(signal: AbortSignal): Promise<string> {
    const { session } = this.#options;
    const icon = { icon_type: 'emoji', icon: '🌉', icon_background: '#FFEAD5' };
    const description = `Runs tools for MCP clients. ${MARK}`;
    const body = { name: APP_NAME, mode: 'workflow', ...icon, description };
    const answer = await session.send({ method: 'POST', path: APPS, content: () => ({ body }), signal });
    const id = textOf((await expectStatus(session, answer, 201))['id']);
    if (id === undefined) throw new BridgeError('upstream_error', 'Dify created the app but returned no ID.');
    // Another bridge of the account may have made one meanwhile.
    return (await this.find(signal)) ?? id;
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
}
