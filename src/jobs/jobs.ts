import type { ErrorCode } from '../model/errors.ts';
import { keyConflict, type WorkKey, workKey } from './idempotency.ts';
import { type Job, type Owner, startJob, type Work } from './job.ts';
import { createKeptResults } from './kept-results.ts';

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
   * a new one.
   * @throws BridgeError `invalid_arguments` for a bad key, or one that was used with other arguments.
   */
  start(request: JobRequest): Job;
  /** A job that was handed over, or one with a key; undefined also where it belongs to somebody else. */
  find(id: string, owner: Owner): Job | undefined;
  /** Ends the jobs of an owner that go on. */
  cancelAll(owner: Owner): void;
  /** Resolves when no job of the view goes on, and at the latest after `timeoutMs`. */
  idle(view: string, timeoutMs: number): Promise<void>;
  readonly keepMs: number;
  /** Forgets all results. */
  close(): void;
}

export function createJobs({ keepMs, maxKeptBytes }: JobsOptions): Jobs {
  const jobs = new Map<string, Job>();
  const byKey = new Map<string, { readonly job: Job; readonly argumentsDigest: string }>();
  const scopes = new Map<Job, string>();
  const kept = createKeptResults({ keepMs, maxBytes: maxKeptBytes, onExpiry: forget });
  let closed = false;

  function forget(job: Job): void {
    jobs.delete(job.id);
    forgetKey(job);
  }

  function forgetKey(job: Job): void {
    const scope = scopes.get(job);
    scopes.delete(job);
    if (scope !== undefined && byKey.get(scope)?.job === job) byKey.delete(scope);
  }

  /** The job of the same piece of work, if there is one. */
  function known(work: WorkKey, tool: string): Job | undefined {
    const found = byKey.get(work.scope);
    // One that is being cancelled has nothing to give any more.
    if (found === undefined || found.job.state().status === 'cancelled') return undefined;
    if (found.argumentsDigest !== work.argumentsDigest) throw keyConflict(tool);
    return found.job;
  }

  function settle(job: Job): void {
    const { failure } = job;
    if (failure !== undefined && !MAY_HAVE_RUN.includes(failure.code)) forgetKey(job);
    if (!closed && (job.isHandedOver || scopes.has(job))) kept.keep(job);
    else forget(job);
  }

  return {
    start({ tool, owner, args, idempotencyKey, work }) {
      const key = idempotencyKey === undefined ? undefined : workKey(owner, tool, idempotencyKey, args);
      let job = key && known(key, tool);
      if (job === undefined) {
        job = startJob(tool, owner, work);
        jobs.set(job.id, job);
        if (key !== undefined) {
          scopes.set(job, key.scope);
          byKey.set(key.scope, { job, argumentsDigest: key.argumentsDigest });
        }
        const started = job;
        void job.ended.then(() => settle(started));
      }
      job.enter();
      return job;
    },

    find(id, { view, principal }) {
      const job = jobs.get(id);
      return job?.owner.view === view && job.owner.principal === principal ? job : undefined;
    },

    cancelAll({ view, principal }) {
      for (const job of jobs.values()) {
        if (!job.isOver && job.owner.view === view && job.owner.principal === principal) job.cancel();
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

    close() {
      closed = true;
      kept.clear();
      jobs.clear();
      byKey.clear();
      scopes.clear();
    },
  };
}
