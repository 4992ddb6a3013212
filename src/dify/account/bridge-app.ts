import { BridgeError } from '../../model/errors.ts';
import type { ConsoleSession } from '../console/session.ts';
import { Draft } from './draft.ts';
import { createOwnApp, listOwnApps } from './own-apps.ts';

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
    const { apps, version } = await listOwnApps(this.#options.session, APP_NAME, signal);
    this.version = version ?? this.version;
    return apps.find(({ description }) => description.includes(MARK))?.id;
  }

  /** Makes the app and resolves with the ID of the account's app. Call only with the operator's consent. */
  async create(signal: AbortSignal): Promise<string> {
    const description = `Runs tools for MCP clients. ${MARK}`;
    const id = await createOwnApp(this.#options.session, APP_NAME, description, signal);
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
