import { randomBytes } from 'node:crypto';
import type { CallObserver } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import { asBridgeError, type BridgeError, type ErrorCode } from '../model/errors.ts';
import type { CallState, CallStatus } from '../model/task.ts';
import { cutText } from '../model/cut-text.ts';

/** Random bytes of a call id. */
const ID_BYTES = 18;
/** Longer progress is cut. */
const MAX_PROGRESS = 200;

/** After these there is no answer of the tool, not even an error of its own. */
const WITHOUT_ANSWER: readonly ErrorCode[] = [
  'upstream_error',
  'upstream_unreachable',
  'stream_broken',
  'frame_too_large',
  'deadline_exceeded',
  'shutting_down',
  'internal',
];

/** How a job does its work. */
export type Work = (context: {
  readonly signal: AbortSignal;
  readonly observer: CallObserver;
}) => Promise<ToolResult>;

/** Whose job it is. */
export interface Owner {
  readonly view: string;
  readonly principal: string;
}

/**
 * One call, apart from the requests that wait for it. It is cancelled when the last of them has left, unless it was
 * handed over: then it goes on until it ends or is cancelled by name.
 */
export interface Job {
  readonly id: string;
  /** Resolves at its end; of a job on another replica only as long as somebody watches it. */
  readonly ended: Promise<void>;
  readonly isOver: boolean;
  state(): CallState;
  /** What it ended with; throws what the work threw. Only once it has ended. */
  result(): ToolResult;
  /** Tells an observer of what happens from now on. Answers the function that ends it. */
  watch(observer: CallObserver): () => void;
  /** A request waits for it. */
  enter(): void;
  /** A request waits no longer. True: it was the last, and the job is being cancelled. */
  leave(): boolean;
  /** It goes on without anybody who waits. */
  handOver(): void;
  /** Ends it. Rejects with `state_unavailable` where it runs on another replica that cannot be told. */
  cancel(): Promise<void>;
}

/** A job that runs in this process. */
export interface OwnJob extends Job {
  readonly owner: Owner;
  readonly isHandedOver: boolean;
  /** Why it failed, in the tool or before it. */
  readonly failure: BridgeError | undefined;
  /** Forgets the result; who asks for it gets the error. */
  drop(reason: BridgeError): void;
}

/** An id that nobody guesses. */
export function newCallId(): string {
  return `call_${randomBytes(ID_BYTES).toString('base64url')}`;
}

/** Starts the work at once. */
export function startJob(id: string, tool: string, owner: Owner, toDo: Work): OwnJob {
  const startedAt = new Date();
  const began = performance.now();
  const abort = new AbortController();
  const observers = new Set<CallObserver>();
  let changedAt = startedAt;
  let status: CallStatus = 'working';
  let elapsedMs: number | undefined;
  let lastProgress: string | undefined;
  let failure: BridgeError | undefined;
  let result: ToolResult | undefined;
  let thrown: BridgeError | undefined;
  let waiting = 0;
  let handedOver = false;

  function progressed(text: string): void {
    lastProgress = cutText(text, MAX_PROGRESS);
    changedAt = new Date();
  }

  const observer: CallObserver = {
    log(entry) {
      progressed(entry.label);
      for (const each of observers) each.log?.(entry);
    },
    progress(message) {
      progressed(message);
      for (const each of observers) each.progress?.(message);
    },
    failed(error) {
      failure = error;
      for (const each of observers) each.failed?.(error);
    },
  };

  function statusAtEnd(): CallStatus {
    if (failure === undefined) return 'completed';
    if (failure.code === 'cancelled') return 'cancelled';
    return thrown !== undefined || WITHOUT_ANSWER.includes(failure.code) ? 'failed' : 'completed';
  }

  // As an argument, so that the work and the arguments of its call go with its end, and are not kept with its result.
  async function run(work: Work): Promise<void> {
    try {
      result = await work({ signal: abort.signal, observer });
    } catch (error) {
      thrown = asBridgeError(error);
      failure = thrown;
    }
    status = statusAtEnd();
    elapsedMs = performance.now() - began;
    changedAt = new Date();
    observers.clear();
  }
  const ended = run(toDo);

  async function cancel(): Promise<void> {
    abort.abort();
  }

  return {
    id,
    owner,
    ended,
    get isOver() {
      return status !== 'working';
    },
    get isHandedOver() {
      return handedOver;
    },
    get failure() {
      return failure;
    },
    state: () => ({
      callId: id,
      tool,
      status: status === 'working' && abort.signal.aborted ? 'cancelled' : status,
      startedAt,
      changedAt,
      elapsedMs: elapsedMs ?? performance.now() - began,
      ...(lastProgress === undefined ? {} : { lastProgress }),
      ...(result === undefined ? {} : { result }),
      ...(status === 'failed' && failure !== undefined ? { error: failure } : {}),
    }),
    result() {
      if (result !== undefined) return result;
      throw thrown ?? new Error('The job has not ended.');
    },
    watch(each) {
      if (status === 'working') observers.add(each);
      return () => void observers.delete(each);
    },
    enter() {
      waiting += 1;
    },
    leave() {
      waiting -= 1;
      if (waiting > 0 || handedOver || status !== 'working') return false;
      abort.abort();
      return true;
    },
    handOver() {
      waiting -= 1;
      handedOver = true;
    },
    cancel,
    drop(reason) {
      result = undefined;
      thrown = reason;
      failure = reason;
      status = 'failed';
    },
  };
}
