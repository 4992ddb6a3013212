import { BridgeError, type ErrorCode } from '../model/errors.ts';
import { type Logger, silentLogger } from '../model/logger.ts';
import type { SharedCalls } from '../model/shared-calls.ts';
import { keyConflict, type WorkKey, workKey } from './idempotency.ts';
import { type Job, newCallId, type Owner, type OwnJob, startJob, type Work } from './task.ts';
import { createKeptResults } from './stored-results.ts';
import { createSharing, type Sharing } from './sharing.ts';

/** After these the tool has run, or may have: a second call with the same key must not start it again. */
const MAY_HAVE_RUN: readonly ErrorCode[] = [
  'tool_failed',
  'upstream_error',
  'stream_broken',
  'frame_too_large',
  'deadline_exceeded',
];

export interface JobsOptions {
  /** Milliseconds for which a result is kept, from its end on. */
  readonly keepMs: number;
  /** Bytes of all results that are kept. */
  readonly maxKeptBytes: number;
  /** The calls of other replicas; there are none unless given. */
  readonly shared?: SharedCalls | undefined;
  /** Hears what goes wrong with them. */
  readonly logger?: Logger;
}

export interface JobRequest {
  readonly tool: string;
  readonly owner: Owner;
  readonly args: unknown;
  /** The caller's key for this piece of work. Without one nothing is ever joined. */
  readonly idempotencyKey?: string | undefined;
  readonly work: Work;
}

/** The jobs of all views. A job is found by its owner only. */
export interface Jobs {
  /**
   * A job for the request, which counts as waiting for it: the one that runs or has run under the same key, otherwise
   * a new one. Rejects with `invalid_arguments` for a bad key, or one that was used with other arguments, and with
   * `state_unavailable` where other replicas cannot be asked for the key.
   */
  start(request: JobRequest): Promise<Job>;
  /** A request waits no longer, and the job goes on. Resolves once it can be asked for, as far as that is possible. */
  handOver(job: Job): Promise<void>;
  /**
   * A job that was handed over, or one with a key; undefined also where it belongs to somebody else. Rejects with
   * `state_unavailable` where it may be another replica's that cannot be asked.
   */
  find(id: string, owner: Owner): Promise<Job | undefined>;
  /** Ends the jobs of an owner that go on. */
  cancelAll(owner: Owner): void;
  /** Resolves when no job of the view goes on, and at the latest after `timeoutMs`. */
  idle(view: string, timeoutMs: number): Promise<void>;
  readonly keepMs: number;
  /** Forgets all results, but for those that other replicas know. */
  close(): Promise<void>;
}

/** Attempts to take a key whose call turns out to be cancelled, each time by another one. */
const MAX_CLAIMS = 5;

export function createJobs(options: JobsOptions): Jobs {
  const { keepMs, maxKeptBytes, shared, logger = silentLogger } = options;
  const jobs = new Map<string, OwnJob>();
  const byKey = new Map<string, { readonly job: OwnJob; readonly argumentsDigest: string }>();
  const scopes = new Map<OwnJob, string>();
  /** Keys that are being taken, by their scope. */
  const claims = new Map<string, Promise<Job>>();
  const kept = createKeptResults({ keepMs, maxBytes: maxKeptBytes, onExpiry: forget });
  const sharing =
    shared &&
    createSharing({
      shared,
      keepMs,
      maxKeptBytes,
      logger,
      own: (callId) => jobs.get(callId),
      onStored(job) {
        kept.forget(job);
        forget(job);
      },
    });
  let closed = false;

  function forget(job: OwnJob): void {
    jobs.delete(job.id);
    forgetKey(job);
  }

  function forgetKey(job: OwnJob): void {
    const scope = scopes.get(job);
    scopes.delete(job);
    if (scope !== undefined && byKey.get(scope)?.job === job) byKey.delete(scope);
  }

  /** The job of the same piece of work, if there is one. */
  function known(work: WorkKey, tool: string): OwnJob | undefined {
    const found = byKey.get(work.scope);
    // One that is being cancelled has nothing to give any more.
    if (found === undefined || found.job.state().status === 'cancelled') return undefined;
    if (found.argumentsDigest !== work.argumentsDigest) throw keyConflict(tool);
    return found.job;
  }

  function settle(job: OwnJob): void {
    const { failure } = job;
    const mayHaveRun = failure === undefined || MAY_HAVE_RUN.includes(failure.code);
    if (!mayHaveRun) {
      forgetKey(job);
      sharing?.loseKey(job);
    }
    const isShared = sharing?.has(job) === true;
    if (!closed && (job.isHandedOver || scopes.has(job) || isShared)) kept.keep(job);
    else forget(job);
    if (isShared) sharing?.changed(job);
  }

  function begin({ tool, owner, work }: JobRequest, key?: WorkKey, id = newCallId()): OwnJob {
    const job = startJob(id, tool, owner, work);
    jobs.set(id, job);
    if (key !== undefined) {
      scopes.set(job, key.scope);
      byKey.set(key.scope, { job, argumentsDigest: key.argumentsDigest });
      void sharing?.share(job, key);
    }
    void job.ended.then(() => settle(job));
    return job;
  }

  /** The job that has a key on any replica, otherwise a new one. */
  async function claim(sharing: Sharing, request: JobRequest, key: WorkKey): Promise<Job> {
    const { tool, owner } = request;
    let insteadOf: string | undefined;
    for (let attempt = 0; attempt < MAX_CLAIMS; attempt += 1) {
      const id = newCallId();
      const other = await sharing.claim({ id, tool, owner }, key, insteadOf);
      if (other === undefined) return begin(request, key, id);
      if (other.argumentsDigest !== key.argumentsDigest) throw keyConflict(tool);
      const mine = jobs.get(other.callId);
      const found = mine ?? (await sharing.find(other.callId, owner));
      if (found !== undefined && found.state().status !== 'cancelled') return found;
      insteadOf = other.callId;
    }
    throw new BridgeError('busy', 'The idempotency key is being used by several calls that were cancelled.', {
      hint: 'Nothing was sent to Dify. Call again in a moment.',
    });
  }

  /** The same, one after the other for one key. */
  async function claimInTurn(sharing: Sharing, request: JobRequest, key: WorkKey): Promise<Job> {
    for (let before = claims.get(key.scope); before !== undefined; before = claims.get(key.scope)) {
      await before.catch(() => undefined);
      const mine = known(key, request.tool);
      if (mine !== undefined) return mine;
    }
    const claiming = claim(sharing, request, key);
    claims.set(key.scope, claiming);
    return claiming.finally(() => claims.delete(key.scope));
  }

  return {
    async start(request) {
      const { tool, owner, args, idempotencyKey } = request;
      const key = idempotencyKey === undefined ? undefined : workKey(owner, tool, idempotencyKey, args);
      const mine = key && known(key, tool);
      const isFree = key === undefined || sharing === undefined;
      const job = mine ?? (isFree ? begin(request, key) : await claimInTurn(sharing, request, key));
      job.enter();
      return job;
    },

    async handOver(job) {
      job.handOver();
      const mine = jobs.get(job.id);
      if (mine !== undefined && !mine.isOver) await sharing?.share(mine);
    },

    async find(id, owner) {
      const { view, principal } = owner;
      const job = jobs.get(id);
      if (job === undefined) return sharing?.find(id, owner);
      return job.owner.view === view && job.owner.principal === principal ? job : undefined;
    },

    cancelAll({ view, principal }) {
      for (const job of jobs.values()) {
        if (!job.isOver && job.owner.view === view && job.owner.principal === principal) void job.cancel();
      }
    },

    async idle(view, timeoutMs) {
      const running = [...jobs.values()].filter((job) => !job.isOver && job.owner.view === view);
      if (running.length === 0) return;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([Promise.all(running.map(({ ended }) => ended)), late]);
      clearTimeout(timer);
    },

    keepMs,

    async close() {
      closed = true;
      await sharing?.close();
      kept.clear();
      jobs.clear();
      byKey.clear();
      scopes.clear();
    },
  };
}
