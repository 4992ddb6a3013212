import { hash } from 'node:crypto';
import { after, type Stop } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { CallNews, CallOrder, SharedCall, SharedCalls } from '../model/shared-calls.ts';
import type { WorkKey } from './idempotency.ts';
import type { LocalTask } from './local-task.ts';
import { RemoteTask } from './remote-task.ts';
import type { Owner, Task } from './task.ts';

/** The shortest time between two messages about the progress of one task, in milliseconds. */
const NEWS_MS = 1000;

export interface SharingOptions {
  readonly shared: SharedCalls;
  readonly keepMs: number;
  /** The most bytes of all results that the replicas store. */
  readonly maxBytes: number;
  readonly logger: Logger;
  /** Returns a task of this process. */
  readonly own: (callId: string) => LocalTask | undefined;
  /** The shared store has the outcome of a task, so this process need not store it. */
  readonly onStored: (task: LocalTask) => void;
}

interface Entry {
  readonly task: LocalTask;
  key: WorkKey | undefined;
  lostKey?: WorkKey | undefined;
  isChanged: boolean;
  writing?: Promise<void> | undefined;
  later?: Stop | undefined;
}

/** Publishes the tasks of one process to the other replicas, and finds theirs. */
export class Sharing {
  readonly #options: SharingOptions;
  readonly #entries = new Map<LocalTask, Entry>();
  readonly #beating: NodeJS.Timeout;

  constructor(options: SharingOptions) {
    this.#options = options;
    const { shared, own } = options;
    this.#beating = setInterval(() => void this.#beat(), shared.beatMs).unref();
    void this.#beat();
    shared.onOrder((callId, order) => {
      const task = own(callId);
      if (task !== undefined && !task.isOver) obey(task, order);
    });
  }

  /**
   * Claims a key for a call. Resolves with undefined, or with the call that already has the key. Rejects with
   * `state_unavailable`.
   */
  async claim(
    { id, tool, owner }: { readonly id: string; readonly tool: string; readonly owner: Owner },
    key: WorkKey,
    insteadOf?: string,
  ): ReturnType<SharedCalls['claim']> {
    const now = Date.now();
    const call: SharedCall = { callId: id, tool, status: 'working', startedAt: now, changedAt: now };
    const news = { call, isOver: false, owner: ownerHash(owner), key: hashed(key) };
    try {
      return await this.#options.shared.claim(news, insteadOf);
    } catch (error) {
      if (!(error instanceof BridgeError) || error.code !== 'state_unavailable') throw error;
      throw new BridgeError(error.code, `${error.message} Without it, idempotency keys do not work.`, {
        hint: 'Nothing was sent to Dify. Call again in a moment, or without the idempotency key.',
        cause: error,
      });
    }
  }

  /**
   * Publishes a task until it has ended and its result is stored. Resolves after the first attempt, whether or not the
   * other replicas could be reached.
   */
  async share(task: LocalTask, key?: WorkKey): Promise<void> {
    if (this.#entries.has(task)) return this.changed(task);
    const entry: Entry = { task, key, isChanged: false };
    this.#entries.set(task, entry);
    task.watch({ log: () => this.#writeSoon(entry), progress: () => this.#writeSoon(entry) });
    await this.#write(entry);
  }

  has(task: LocalTask): boolean {
    return this.#entries.has(task);
  }

  /** Gives up the task's key, so that another call can take it. */
  loseKey(task: LocalTask): void {
    const entry = this.#entries.get(task);
    if (entry?.key === undefined) return;
    entry.lostKey = entry.key;
    entry.key = undefined;
  }

  /** Publishes the new state of a task if it is shared. */
  async changed(task: LocalTask): Promise<void> {
    const entry = this.#entries.get(task);
    if (entry !== undefined) await this.#write(entry);
  }

  /** Resolves with a task of another replica, or undefined. Rejects with `state_unavailable`. */
  async find(callId: string, owner: Owner): Promise<Task | undefined> {
    const { shared, keepMs, maxBytes } = this.#options;
    const hashedOwner = ownerHash(owner);
    const found = await shared.find(callId, hashedOwner);
    return found && new RemoteTask(found, { shared, owner: hashedOwner, keepMs, maxBytes });
  }

  /** Publishes outcomes that were not published yet, then reports that this replica is gone. */
  async close(): Promise<void> {
    const { shared, logger } = this.#options;
    clearInterval(this.#beating);
    const entries = [...this.#entries.values()];
    for (const entry of entries) entry.later?.();
    await Promise.all(entries.filter(({ task }) => task.isOver).map((entry) => this.#write(entry)));
    await shared.close().catch((error: unknown) => {
      logger.debug('Could not tell the other replicas that this one is stopping', { error });
    });
  }

  async #beat(): Promise<void> {
    try {
      await this.#options.shared.beat();
    } catch {
      return;
    }
    await Promise.all([...this.#entries.values()].map((entry) => this.#write(entry)));
  }

  #writeSoon(entry: Entry): void {
    entry.later ??= after(NEWS_MS, () => void this.#write(entry), { ref: false });
  }

  async #write(entry: Entry): Promise<void> {
    entry.later?.();
    entry.later = undefined;
    if (!this.#entries.has(entry.task)) return;
    entry.isChanged = true;
    entry.writing ??= this.#drain(entry);
    await entry.writing;
  }

  async #drain(entry: Entry): Promise<void> {
    const { shared, logger, onStored } = this.#options;
    try {
      while (entry.isChanged) {
        entry.isChanged = false;
        const news = newsOf(entry.task, entry.key);
        await shared.publish(news, entry.lostKey && hashed(entry.lostKey));
        if (!news.isOver) continue;
        this.#entries.delete(entry.task);
        onStored(entry.task);
        return;
      }
    } catch (error) {
      // The next heartbeat tries again.
      logger.debug('Could not publish a call to the other replicas', { callId: entry.task.id, error });
    } finally {
      entry.writing = undefined;
    }
  }
}

/** Carries out another replica's order. Ignores unknown ones, which a replica of another release may send. */
function obey(task: LocalTask, order: CallOrder): void {
  if (order === 'cancel') void task.cancel();
  else if (order === 'add-waiter') task.addWaiter();
  else if (order === 'remove-waiter') task.removeWaiter();
  else if (order === 'detach') task.detach();
}

function newsOf(task: LocalTask, key: WorkKey | undefined): CallNews {
  const { callId, tool, status, startedAt, changedAt, elapsedMs, lastProgress, result } = task.state();
  const { failure, isOver } = task;
  const call: SharedCall = {
    callId,
    tool,
    status,
    startedAt: startedAt.getTime(),
    changedAt: changedAt.getTime(),
    elapsedMs: isOver ? elapsedMs : undefined,
    lastProgress,
    result,
    failure: isOver ? failure : undefined,
  };
  return { call, isOver, owner: ownerHash(task.owner), key: key && hashed(key) };
}

/** The shared store contains principals and keys only as hashes. */
function ownerHash({ view, principal }: Owner): string {
  return hash('sha256', JSON.stringify([view, principal]));
}

function hashed({ scope, argumentsDigest }: WorkKey) {
  return { scope: hash('sha256', scope), argumentsDigest };
}
