import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { HttpView } from '../http/served-view.ts';
import type { Workspace } from './workspace.ts';

/** The most workspaces that are open at once. */
const MAX_OPEN = 500;
/** How often idle workspaces are looked for, in milliseconds. */
const SWEEP_MS = 60_000;

interface Opened {
  readonly workspace: Workspace;
  readonly views: readonly HttpView[];
}

/** The workspace of one account that signed in over HTTP. */
interface Personal {
  readonly opening: Promise<Opened>;
  /** Set once it is open. */
  workspace?: Workspace;
  usedAt: number;
}

export interface PersonalWorkspacesOptions {
  /** Opens the workspace of a principal; undefined if the principal has no login of its own. */
  readonly open: (principal: string) => Promise<Workspace | undefined>;
  /** Returns the views of a workspace as they are served. */
  readonly serve: (workspace: Workspace) => Promise<readonly HttpView[]>;
  /** Stops serving views, after waiting up to `graceMs` for their calls. */
  readonly endViews: (views: readonly HttpView[], graceMs: number) => Promise<void>;
  /** Whether the principal still has a login. */
  readonly isSignedIn: (principal: string) => Promise<boolean>;
  /** Whether a response to the principal is open. */
  readonly isConnected: (principal: string) => boolean;
  /** How long an unused workspace stays open, in milliseconds: as long as its results are stored. */
  readonly idleMs: number;
  readonly logger: Logger;
}

/** Opens a workspace at the first request of an account, and closes it when the account signs out or is idle. */
export class PersonalWorkspaces {
  readonly #options: PersonalWorkspacesOptions;
  readonly #open = new Map<string, Personal>();
  readonly #ending = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(options: PersonalWorkspacesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#sweep(), SWEEP_MS).unref();
  }

  /** Resolves with the views of a principal. Rejects with `unauthorized` if its login has ended meanwhile. */
  async viewsOf(principal: string): Promise<readonly HttpView[]> {
    if (this.#closed)
      throw new BridgeError('shutting_down', 'The bridge is stopping and takes no new requests.');
    let personal = this.#open.get(principal);
    if (personal === undefined) {
      this.#makeRoom();
      const opened: Personal = { opening: this.#openOne(principal), usedAt: Date.now() };
      this.#open.set(principal, opened);
      opened.opening.then(
        ({ workspace }) => {
          opened.workspace = workspace;
        },
        () => {
          if (this.#open.get(principal) === opened) this.#open.delete(principal);
        },
      );
      personal = opened;
    }
    personal.usedAt = Date.now();
    return (await personal.opening).views;
  }

  /** Ends the workspace of a principal. */
  async end(principal: string, graceMs: number): Promise<void> {
    const personal = this.#open.get(principal);
    this.#open.delete(principal);
    const opened = await personal?.opening.catch(() => undefined);
    if (opened === undefined) return;
    const { workspace, views } = opened;
    for (const view of workspace.views.byName.values()) view.abandon(principal);
    const ended = Promise.all([workspace.stop(graceMs), this.#options.endViews(views, graceMs)])
      .then(() => workspace.close())
      .finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
    await ended;
  }

  /** Ends all of them, so that the next requests open them with new settings. */
  async endAll(graceMs: number): Promise<void> {
    await Promise.all([...this.#open.keys()].map((principal) => this.end(principal, graceMs)));
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.endAll(graceMs);
    await Promise.all(this.#ending);
  }

  async #openOne(principal: string): Promise<Opened> {
    const workspace = await this.#options.open(principal);
    if (workspace === undefined) {
      throw new BridgeError('unauthorized', 'The login in Dify has ended.', { hint: 'Sign in again.' });
    }
    workspace.start();
    return { workspace, views: await this.#options.serve(workspace) };
  }

  /** Closes the workspace that was not used for the longest time. Throws `overloaded` if all are in use. */
  #makeRoom(): void {
    if (this.#open.size < MAX_OPEN) return;
    const [unused] = [...this.#open]
      .filter(([principal, personal]) => !this.#isInUse(principal, personal))
      .sort(([, a], [, b]) => a.usedAt - b.usedAt);
    if (unused === undefined) {
      throw new BridgeError('overloaded', 'Too many accounts use the bridge at the same time.', {
        hint: 'Repeat the request later. Nothing was sent to Dify.',
      });
    }
    this.end(unused[0], 0).catch((error: unknown) =>
      this.#options.logger.warn('The workspace of an account could not be closed', { error }),
    );
  }

  #isInUse(principal: string, { workspace }: Personal): boolean {
    return workspace === undefined || workspace.running > 0 || this.#options.isConnected(principal);
  }

  /** Ends workspaces that are idle, and those whose account has signed out at another replica. */
  async #sweep(): Promise<void> {
    const { idleMs, isSignedIn, logger } = this.#options;
    for (const [principal, personal] of this.#open) {
      try {
        const isIdle = Date.now() - personal.usedAt > idleMs && !this.#isInUse(principal, personal);
        if (isIdle || !(await isSignedIn(principal))) await this.end(principal, 0);
      } catch (error) {
        logger.debug('The workspace of an account could not be looked at', { error });
      }
    }
  }
}
