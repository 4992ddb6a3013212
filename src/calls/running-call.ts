import { after, type Stop } from '../model/async.ts';
import type { CallOrigin } from '../model/call.ts';
import type { CallEnd } from '../model/call-record.ts';
import type { ResultLimits } from '../model/content.ts';
import type { BridgeError, ErrorCode } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { MemoryLease } from '../model/memory-budget.ts';
import type { PublishedTool } from '../model/registry.ts';
import { cancelled, deadlineExceeded } from './call-errors.ts';
import type { CalledView } from './call-limits.ts';

/** A call of a published tool with checked arguments. */
export interface CallRequest {
  readonly tool: PublishedTool;
  /** See `ParsedArguments`. */
  readonly parameters: JsonObject;
  /** See `ParsedArguments`: the result names them. */
  readonly ignored?: readonly string[] | undefined;
  /** The arguments as the client sent them. */
  readonly args: unknown;
  /** The owner of the call. */
  readonly principal: string;
  readonly view: CalledView;
  /** How many bytes and characters the result may contain. */
  readonly limits: ResultLimits;
  readonly origin?: CallOrigin | undefined;
}

/** One call. It ends by itself or is ended once: by its caller, the deadline or the stopping bridge. */
export class RunningCall {
  readonly request: CallRequest;
  readonly memory: MemoryLease;
  readonly startedAt = performance.now();
  hasSlot = false;
  /** Whether the invocation was passed to the invoker. */
  sent = false;
  messages = 0;
  /** The size of Dify's answer. */
  bytes = 0;
  outcome: ErrorCode | 'ok' = 'ok';
  /** See `CallEnd`. */
  operatorError: BridgeError | undefined;
  readonly #controller = new AbortController();
  readonly #isStopped: boolean;
  readonly #stopTimer: Stop;
  #interrupt: ((reason: BridgeError) => void) | undefined;

  /** `isStopped`: ending the call stops it in Dify. */
  constructor(
    request: CallRequest,
    memory: MemoryLease,
    { timeoutMs, isStopped }: { readonly timeoutMs: number; readonly isStopped: boolean },
  ) {
    this.request = request;
    this.memory = memory;
    this.#isStopped = isStopped;
    this.#stopTimer = after(timeoutMs, () => this.abort(deadlineExceeded(timeoutMs, this.sent)));
  }

  /** Aborted when the call is ended from outside, with the BridgeError as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the call with an error, unless it has already ended. */
  abort(reason: BridgeError): void {
    this.#controller.abort(reason);
    this.#interrupt?.(reason);
  }

  /** Ends the call because its caller wants it no more. */
  cancel(): void {
    this.abort(cancelled(this.sent, this.#isStopped));
  }

  /**
   * Resolves or rejects as the promise does, or rejects when the call is ended first. For one promise at a time: unlike a
   * listener of the signal for each message, this costs next to nothing.
   */
  interruptible<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      if (this.signal.aborted) reject(this.signal.reason as BridgeError);
      // Its own failure is handled even then.
      promise.then(resolve, reject);
    });
  }

  /** Returns how the call ended. */
  end(): CallEnd {
    const { outcome, messages, bytes, operatorError } = this;
    return { outcome, durationMs: performance.now() - this.startedAt, messages, bytes, operatorError };
  }

  /** Marks the call as completed. From then on, it cannot be ended from outside. */
  finish(): void {
    this.#stopTimer();
    this.memory.end();
  }
}
