import type { CallObserver } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import { BridgeError } from '../model/errors.ts';
import type { CallOrder, FoundCall, SharedCall, SharedCalls } from '../model/shared-calls.ts';
import type { CallState } from '../model/task.ts';
import { unknownCall } from './call-answers.ts';
import { evicted } from './stored-results.ts';
import type { Task } from './task.ts';

/** How often to look up a task without news of it, in milliseconds, because a replica that is gone sends no news. */
const LOOK_MS = 2000;
/** How long lookups may fail before the task counts as lost, in milliseconds. */
const PATIENCE_MS = 15_000;

export interface RemoteTaskOptions {
  readonly shared: Pick<SharedCalls, 'find' | 'tell' | 'onNews'>;
  readonly owner: string;
  readonly keepMs: number;
  /** The most bytes of all results that the replicas store. */
  readonly maxBytes: number;
}

/** A task that runs or ran on another replica. Its state is updated only while an observer watches it. */
export class RemoteTask implements Task {
  readonly id: string;
  readonly ended: Promise<void>;
  readonly #options: RemoteTaskOptions;
  readonly #observers = new Set<CallObserver>();
  #found: FoundCall;
  /** Why the outcome of the task can no longer be retrieved. */
  #lost: BridgeError | undefined;
  #end: () => void = () => undefined;
  #stopLooking: (() => void) | undefined;
  #lastSeen = 0;
  #isLooking = false;
  #mustLookAgain = false;

  constructor(found: FoundCall, options: RemoteTaskOptions) {
    this.id = found.call.callId;
    this.#options = options;
    this.#found = found;
    this.#lost = this.#lossOf(found);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    if (this.isOver) this.#end();
  }

  get isOver(): boolean {
    return this.#lost !== undefined || this.#found.isOver;
  }

  state(): CallState {
    return stateOf(this.#found.call, this.#lost);
  }

  result(): ToolResult {
    const { tool, result, failure } = this.#found.call;
    const reason = this.#lost ?? (result === undefined ? failure : undefined);
    if (reason !== undefined) throw reason;
    if (result === undefined) throw new Error(`The call of ${tool} has not ended.`);
    return result;
  }

  watch(observer: CallObserver): () => void {
    this.#observers.add(observer);
    if (!this.isOver) this.#stopLooking ??= this.#startLooking();
    return () => {
      this.#observers.delete(observer);
      if (this.#observers.size === 0) this.#endLooking();
    };
  }

  // Lost messages are harmless: a waiter that the other replica does not know of cannot end the task.
  addWaiter(): void {
    void this.#tell('add-waiter').catch(() => undefined);
  }

  removeWaiter(): boolean {
    if (!this.isOver) void this.#tell('remove-waiter').catch(() => undefined);
    return false;
  }

  detach(): void {
    void this.#tell('detach').catch(() => undefined);
  }

  async cancel(): Promise<void> {
    if (await this.#tell('cancel')) return;
    throw new BridgeError('state_unavailable', 'The replica that runs the call is not listening.', {
      hint: 'The call may still be running. Try again in a moment.',
    });
  }

  #tell(order: CallOrder): Promise<boolean> {
    return this.#options.shared.tell(this.#found.replica, this.id, order);
  }

  #startLooking(): () => void {
    this.#lastSeen = performance.now();
    const timer = setInterval(() => void this.#look(), LOOK_MS);
    const stopNews = this.#options.shared.onNews(this.id, () => void this.#look());
    void this.#look();
    return () => {
      clearInterval(timer);
      stopNews();
    };
  }

  #endLooking(): void {
    this.#stopLooking?.();
    this.#stopLooking = undefined;
  }

  async #look(): Promise<void> {
    this.#mustLookAgain = this.#isLooking;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const next = await this.#options.shared.find(this.id, this.#options.owner);
      this.#lastSeen = performance.now();
      this.#take(next);
    } catch (error) {
      if (performance.now() - this.#lastSeen > PATIENCE_MS) {
        this.#lost = error instanceof BridgeError ? error : this.#unknown();
        this.#settle();
      }
    } finally {
      this.#isLooking = false;
    }
    if (this.#mustLookAgain && !this.isOver) await this.#look();
  }

  #take(next: FoundCall | undefined): void {
    if (this.isOver) return;
    const before = this.#found.call.lastProgress;
    if (next === undefined) this.#lost = this.#unknown();
    else {
      this.#found = next;
      this.#lost = this.#lossOf(next);
    }
    const { lastProgress } = this.#found.call;
    if (lastProgress !== undefined && lastProgress !== before) {
      for (const each of this.#observers) each.progress?.(lastProgress);
    }
    if (this.isOver) this.#settle();
  }

  #settle(): void {
    const reason = this.#lost ?? this.#found.call.failure;
    if (reason !== undefined) for (const each of this.#observers) each.failed?.(reason);
    this.#endLooking();
    this.#end();
  }

  #lossOf({ call, isOver, isAlive, droppedBytes }: FoundCall): BridgeError | undefined {
    if (droppedBytes !== undefined) return evicted(droppedBytes, this.#options.maxBytes);
    return isOver || isAlive ? undefined : ownerGone(call.tool);
  }

  #unknown(): BridgeError {
    return unknownCall(this.id, this.#options.keepMs);
  }
}

function stateOf(call: SharedCall, lost: BridgeError | undefined): CallState {
  const { callId, tool, startedAt, changedAt, elapsedMs, lastProgress, result, failure } = call;
  const status = lost === undefined ? call.status : 'failed';
  return {
    callId,
    tool,
    status,
    startedAt: new Date(startedAt),
    changedAt: new Date(changedAt),
    elapsedMs: elapsedMs ?? Math.max(0, Date.now() - startedAt),
    lastProgress,
    result: lost === undefined ? result : undefined,
    error: status === 'failed' ? (lost ?? failure) : undefined,
  };
}

function ownerGone(tool: string): BridgeError {
  const message = `The result of the call of ${tool} was lost: the replica of the bridge that ran it is gone.`;
  return new BridgeError('call_not_found', message, {
    hint:
      'Dify may have finished the tool or may still be running it: check there before you call it again. ' +
      'If the call had an idempotency key, use a new one.',
  });
}
