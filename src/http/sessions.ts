import type { ServerFactory } from '../mcp/server.ts';
import type { Session } from './session.ts';
import { createEventBudget } from './session-events.ts';
import { SessionGroup, type SessionsOptions, type SharedByGroups } from './session-group.ts';
import { SessionLimit } from './session-limit.ts';

/** The longest time between two checks for idle sessions, in milliseconds. */
const MAX_SWEEP_MS = 30_000;

/** The sessions of clients that speak a 2025 revision. */
export class Sessions {
  readonly #shared: SharedByGroups;
  readonly #groups = new Set<SessionGroup>();
  readonly #sweeping: NodeJS.Timeout;

  constructor(options: SessionsOptions) {
    const limit = new SessionLimit(options.maxSessions, () => this.#all(), options.logger);
    this.#shared = { ...options, limit, budget: createEventBudget(), refusing: false };
    const interval = Math.min(MAX_SWEEP_MS, Math.max(10, options.idleMs / 2));
    this.#sweeping = setInterval(() => this.#sweep(), interval).unref();
  }

  get size(): number {
    return [...this.#all()].length;
  }

  /** Returns whether a new session would be refused because all are in use. */
  get full(): boolean {
    return this.#shared.limit.full;
  }

  /** Returns a group whose sessions use servers of this factory. */
  group(createServer: ServerFactory): SessionGroup {
    const group = new SessionGroup(createServer, this.#shared, () => this.#groups.delete(group));
    this.#groups.add(group);
    return group;
  }

  /** Stops opening new sessions. */
  refuseNew(): void {
    this.#shared.refusing = true;
  }

  /** Ends all sessions and cancels their calls. */
  async close(): Promise<void> {
    this.refuseNew();
    clearInterval(this.#sweeping);
    await Promise.all([...this.#groups].map((group) => group.close('shutdown')));
  }

  *#all(): Generator<Session> {
    for (const group of this.#groups) yield* group.sessions();
  }

  /** Ends idle sessions, and drops delivered events. */
  #sweep(): void {
    for (const group of this.#groups) group.sweep();
  }
}
