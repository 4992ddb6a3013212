import { createHash } from 'node:crypto';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { CallNews, SharedCall, SharedCalls } from '../model/shared-calls.ts';
import { followJob } from './followed-task.ts';
import type { WorkKey } from './idempotency.ts';
import type { Job, Owner, OwnJob } from './task.ts';

/** The least time between two words of the progress of one job, in milliseconds. */
const NEWS_MS = 1000;

export interface SharingOptions {
  readonly shared: SharedCalls;
  readonly keepMs: number;
  readonly maxKeptBytes: number;
  readonly logger: Logger;
  /** A job of this process. */
  readonly own: (callId: string) => OwnJob | undefined;
  /** All replicas know how a job has ended: it need not be kept here. */
  readonly onStored: (job: OwnJob) => void;
}

/** A call that is about to start. */
export interface ComingCall {
  readonly id: string;
  readonly tool: string;
  readonly owner: Owner;
}

/** Makes the jobs of one process known to the other replicas, and theirs to it. */
export interface Sharing {
  /** Takes a key for a call; otherwise the call that has it. Rejects with `state_unavailable`. */
  claim(coming: ComingCall, key: WorkKey, insteadOf?: string): ReturnType<SharedCalls['claim']>;
  /**
   * Makes a job known from now on, until it has ended and its result is stored. Resolves when the others know it, or
   * cannot be told just now.
   */
  share(job: OwnJob, key?: WorkKey): Promise<void>;
  /** Whether the others know of a job. */
  has(job: OwnJob): boolean;
  /** Its key leads to it no longer. */
  loseKey(job: OwnJob): void;
  /** There is something new of a job that is shared. */
  changed(job: OwnJob): void;
  /** A job of another replica. Rejects with `state_unavailable`. */
  find(callId: string, owner: Owner): Promise<Job | undefined>;
  /** Says how jobs have ended that nobody knows of yet, and that this replica goes. */
  close(): Promise<void>;
}

interface Entry {
  readonly job: OwnJob;
  key: WorkKey | undefined;
  lostKey: WorkKey | undefined;
  isChanged: boolean;
  writing: Promise<void> | undefined;
  later: NodeJS.Timeout | undefined;
}

export function createSharing(options: SharingOptions): Sharing {
  const { shared, keepMs, maxKeptBytes, logger, own, onStored } = options;
  const entries = new Map<OwnJob, Entry>();

  async function drain(entry: Entry): Promise<void> {
    try {
      while (entry.isChanged) {
        entry.isChanged = false;
        const news = newsOf(entry.job, entry.key);
        await shared.publish(news, entry.lostKey && hashed(entry.lostKey));
        if (!news.isOver) continue;
        entries.delete(entry.job);
        onStored(entry.job);
        return;
      }
    } catch (error) {
      // The next beat tries again.
      logger.debug('The other replicas could not be told of a call', { callId: entry.job.id, error });
    } finally {
      entry.writing = undefined;
    }
  }

  async function write(entry: Entry): Promise<void> {
    clearTimeout(entry.later);
    entry.later = undefined;
    if (!entries.has(entry.job)) return;
    entry.isChanged = true;
    entry.writing ??= drain(entry);
    await entry.writing;
  }

  function writeSoon(entry: Entry): void {
    entry.later ??= setTimeout(() => void write(entry), NEWS_MS).unref();
  }

  async function beat(): Promise<void> {
    try {
      await shared.beat();
    } catch {
      return;
    }
    await Promise.all([...entries.values()].map(write));
  }
  const timer = setInterval(() => void beat(), shared.beatMs);
  timer.unref();
  void beat();

  shared.onOrder((callId, order) => {
    const job = own(callId);
    if (job === undefined || job.isOver) return;
    if (order === 'cancel') void job.cancel();
    else if (order === 'enter') job.enter();
    else if (order === 'leave') job.leave();
    else job.handOver();
  });

  return {
    async claim({ id, tool, owner }, key, insteadOf) {
      const now = Date.now();
      const call: SharedCall = { callId: id, tool, status: 'working', startedAt: now, changedAt: now };
      const news = { call, isOver: false, owner: ownerHash(owner), key: hashed(key) };
      try {
        return await shared.claim(news, insteadOf);
      } catch (error) {
        if (!(error instanceof BridgeError) || error.code !== 'state_unavailable') throw error;
        throw new BridgeError('state_unavailable', `${error.message} Without it, no key can be kept.`, {
          hint: 'Nothing was sent to Dify. Call again in a moment, or without the idempotency key.',
          cause: error,
        });
      }
    },

    async share(job, key) {
      const known = entries.get(job);
      if (known !== undefined) return write(known);
      const entry: Entry = {
        job,
        key,
        lostKey: undefined,
        isChanged: false,
        writing: undefined,
        later: undefined,
      };
      entries.set(job, entry);
      job.watch({ log: () => writeSoon(entry), progress: () => writeSoon(entry) });
      await write(entry);
    },

    has: (job) => entries.has(job),

    loseKey(job) {
      const entry = entries.get(job);
      if (entry?.key === undefined) return;
      entry.lostKey = entry.key;
      entry.key = undefined;
    },

    changed(job) {
      const entry = entries.get(job);
      if (entry !== undefined) void write(entry);
    },

    async find(callId, owner) {
      const hash = ownerHash(owner);
      const found = await shared.find(callId, hash);
      return found && followJob(found, { shared, owner: hash, keepMs, maxKeptBytes });
    },

    async close() {
      clearInterval(timer);
      for (const entry of entries.values()) clearTimeout(entry.later);
      await Promise.all([...entries.values()].filter(({ job }) => job.isOver).map(write));
      await shared.close().catch((error: unknown) => {
        logger.debug('The other replicas could not be told that this one goes', { error });
      });
    },
  };
}

function newsOf(job: OwnJob, key: WorkKey | undefined): CallNews {
  const { callId, tool, status, startedAt, changedAt, elapsedMs, lastProgress, result } = job.state();
  const { failure, isOver } = job;
  const call: SharedCall = {
    callId,
    tool,
    status,
    startedAt: startedAt.getTime(),
    changedAt: changedAt.getTime(),
    ...(isOver ? { elapsedMs } : {}),
    ...(lastProgress === undefined ? {} : { lastProgress }),
    ...(result === undefined ? {} : { result }),
    ...(isOver && failure !== undefined ? { failure } : {}),
  };
  return {
    call,
    isOver,
    owner: ownerHash(job.owner),
    ...(key === undefined ? {} : { key: hashed(key) }),
  };
}

/** Neither principals nor keys are readable where they are kept. */
function ownerHash({ view, principal }: Owner): string {
  return sha256(JSON.stringify([view, principal]));
}

function hashed({ scope, argumentsDigest }: WorkKey) {
  return { scope: sha256(scope), argumentsDigest };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
