import type { Caller, StartedCall } from '../calls/caller.ts';
import type { CallRequest } from '../calls/running-call.ts';
import type { CallObserver } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import { cutText } from '../model/cut-text.ts';
import { asBridgeError, type BridgeError, type ErrorCode } from '../model/errors.ts';
import type { LogEntry } from '../model/message.ts';
import type { CallState, CallStatus } from '../model/task.ts';
import type { Owner, Task } from './task.ts';

/** The longest progress text, in characters. */
const MAX_PROGRESS = 200;

/** Codes of calls to which the tool gave no answer, not even an error of its own. */
const WITHOUT_ANSWER: readonly ErrorCode[] = [
  'upstream_error',
  'upstream_unreachable',
  'upstream_unavailable',
  'stream_broken',
  'frame_too_large',
  'deadline_exceeded',
  'shutting_down',
  'internal',
];

/** A task that runs in this process. */
export class LocalTask implements Task, CallObserver {
  readonly id: string;
  readonly owner: Owner;
  readonly ended: Promise<void>;
  readonly #tool: string;
  readonly #startedAt = new Date();
  readonly #began = performance.now();
  readonly #observers = new Set<CallObserver>();
  #changedAt = this.#startedAt;
  #status: CallStatus = 'working';
  #elapsedMs: number | undefined;
  #lastProgress: string | undefined;
  #failure: BridgeError | undefined;
  #result: ToolResult | undefined;
  #thrown: BridgeError | undefined;
  #waiters = 0;
  #isDetached = false;
  #isCancelled = false;
  /** Undefined after its end, so that the call's arguments do not stay in memory with its result. */
  #call: StartedCall | undefined;

  /** Starts the call at once. */
  constructor(id: string, owner: Owner, caller: Pick<Caller, 'start'>, request: CallRequest) {
    this.id = id;
    this.owner = owner;
    this.#tool = request.tool.name;
    this.#call = caller.start(request, this);
    this.ended = this.#run(this.#call.result);
  }

  get isOver(): boolean {
    return this.#status !== 'working';
  }

  get isDetached(): boolean {
    return this.#isDetached;
  }

  /** Why the call failed, in the tool or before it. */
  get failure(): BridgeError | undefined {
    return this.#failure;
  }

  state(): CallState {
    const status = this.#status;
    return {
      callId: this.id,
      tool: this.#tool,
      status: status === 'working' && this.#isCancelled ? 'cancelled' : status,
      startedAt: this.#startedAt,
      changedAt: this.#changedAt,
      elapsedMs: this.#elapsedMs ?? performance.now() - this.#began,
      lastProgress: this.#lastProgress,
      result: this.#result,
      error: status === 'failed' ? this.#failure : undefined,
    };
  }

  result(): ToolResult {
    if (this.#result !== undefined) return this.#result;
    throw this.#thrown ?? new Error('The task has not ended.');
  }

  watch(observer: CallObserver): () => void {
    if (!this.isOver) this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  addWaiter(): void {
    this.#waiters += 1;
  }

  removeWaiter(): boolean {
    this.#waiters -= 1;
    if (this.#waiters > 0 || this.#isDetached || this.isOver) return false;
    this.#cancel();
    return true;
  }

  detach(): void {
    this.#waiters -= 1;
    this.#isDetached = true;
  }

  async cancel(): Promise<void> {
    this.#cancel();
  }

  #cancel(): void {
    this.#isCancelled = true;
    this.#call?.cancel();
  }

  log(entry: LogEntry): void {
    this.#progressed(entry.label);
    for (const each of this.#observers) each.log?.(entry);
  }

  progress(message: string): void {
    this.#progressed(message);
    for (const each of this.#observers) each.progress?.(message);
  }

  failed(error: BridgeError): void {
    this.#failure = error;
    for (const each of this.#observers) each.failed?.(error);
  }

  /** Discards the result. From then on, `result` throws `reason`. */
  drop(reason: BridgeError): void {
    this.#result = undefined;
    this.#thrown = reason;
    this.#failure = reason;
    this.#status = 'failed';
  }

  async #run(result: Promise<ToolResult>): Promise<void> {
    try {
      this.#result = await result;
    } catch (error) {
      this.#thrown = asBridgeError(error);
      this.#failure = this.#thrown;
    }
    this.#call = undefined;
    this.#status = this.#statusAtEnd();
    this.#elapsedMs = performance.now() - this.#began;
    this.#changedAt = new Date();
    this.#observers.clear();
  }

  #progressed(text: string): void {
    this.#lastProgress = cutText(text, MAX_PROGRESS);
    this.#changedAt = new Date();
  }

  #statusAtEnd(): CallStatus {
    if (this.#failure === undefined) return 'completed';
    if (this.#failure.code === 'cancelled') return 'cancelled';
    const hasNoAnswer = this.#thrown !== undefined || WITHOUT_ANSWER.includes(this.#failure.code);
    return hasNoAnswer ? 'failed' : 'completed';
  }
}
