import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { SessionRecords } from '../model/session-records.ts';
import type { Session } from './session.ts';
import { createEventBudget, type EventBudget } from './session-events.ts';

/** How often the sessions in memory are looked through, in milliseconds. */
const SWEEP_MS = 30_000;
/** How long an unused session stays in memory, in milliseconds. */
const KEEP_MS = 30 * 60_000;
/** The most unused sessions in memory. */
const MAX_KEPT = 1000;

export interface SessionsOptions {
  readonly records: SessionRecords;
  /** A silent event stream carries a comment at least this often, in milliseconds. */
  readonly keepAliveMs: number;
  readonly logger: Logger;
}

/**
 * The sessions of clients that speak a 2025 revision. A session lives in its signed ID. Those in memory are a cache:
 * beyond its bound, and after half an hour, the ones that have no open stream and no running call leave it.
 */
export class Sessions {
  readonly records: SessionRecords;
  readonly keepAliveMs: number;
  readonly logger: Logger;
  /** Memory for what clients that lost a connection may ask again. */
  readonly budget: EventBudget = createEventBudget();
  /** By nonce, the least recently used first. */
  readonly #kept = new Map<string, Session>();
  readonly #sweeping: NodeJS.Timeout;
  #refusing = false;

  constructor({ records, keepAliveMs, logger }: SessionsOptions) {
    this.records = records;
    this.keepAliveMs = keepAliveMs;
    this.logger = logger;
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref();
    records.onEnd((nonce) => void this.#kept.get(nonce)?.close('its client ended it at another replica'));
    records.onCancel((nonce, requestId) => void this.#kept.get(nonce)?.cancel(requestId));
  }

  /** Counts a session in memory as used now. */
  touch(session: Session): void {
    const { nonce } = session.facts;
    if (this.#kept.delete(nonce)) this.#kept.set(nonce, session);
  }

  /**
   * Keeps a session until it is closed, in place of the one that has been unused the longest if there are too many.
   * @throws BridgeError `shutting_down`.
   */
  keep(session: Session): void {
    if (this.#refusing) {
      throw new BridgeError('shutting_down', 'The bridge is stopping and opens no new session.');
    }
    this.#kept.set(session.facts.nonce, session);
    let excess = this.#kept.size - MAX_KEPT;
    for (const kept of this.#kept.values()) {
      if (excess <= 0) return;
      if (kept === session || kept.isInUse) continue;
      excess -= 1;
      void kept.close('others were used since');
    }
  }

  /** Forgets a session that was closed. */
  forget(session: Session): void {
    const { nonce } = session.facts;
    if (this.#kept.get(nonce) === session) this.#kept.delete(nonce);
  }

  /** Drops the sessions of a principal that is no longer admitted, and cancels their calls. */
  async endOf(principal: string): Promise<void> {
    const ended = [...this.#kept.values()].filter((session) => session.principal === principal);
    await Promise.all(ended.map((session) => session.close('its key is no longer valid')));
  }

  /** Stops opening new sessions. */
  refuseNew(): void {
    this.#refusing = true;
  }

  /** Drops all sessions and cancels their calls. */
  async close(): Promise<void> {
    this.refuseNew();
    clearInterval(this.#sweeping);
    await Promise.all([...this.#kept.values()].map((session) => session.close('shutdown')));
  }

  /** Drops sessions that have been unused for long, and delivered events of the others. */
  #sweep(): void {
    for (const session of this.#kept.values()) {
      session.events.sweep();
      if (!session.isInUse && performance.now() - session.usedAt > KEEP_MS) void session.close('unused');
    }
  }
}
