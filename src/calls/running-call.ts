import { after, onAbort, type Stop } from '../model/async.ts';
import type { ResultLimits } from '../model/content.ts';
import type { BridgeError, ErrorCode } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { PublishedTool } from '../model/registry.ts';
import { cancelled, deadlineExceeded } from './call-errors.ts';

/** A call of a published tool, with arguments that were checked. */
export interface CallRequest {
  readonly tool: PublishedTool;
  /** See `ParsedArguments`. */
  readonly parameters: JsonObject;
  /** Whose call it is. */
  readonly principal: string;
  /** How much of its files and text the result carries. */
  readonly limits: ResultLimits;
  /** Names the call in the log. */
  readonly requestId?: string | undefined;
}

/** One call. It ends by itself, or once from outside: by its caller, the deadline or a stop of the bridge. */
export class RunningCall {
  readonly request: CallRequest;
  readonly startedAt = performance.now();
  hasSlot = false;
  /** The invocation was handed to the invoker. */
  sent = false;
  messages = 0;
  outcome: ErrorCode | 'ok' = 'ok';
  readonly #controller = new AbortController();
  readonly #stops: Stop[];

  constructor(request: CallRequest, signal: AbortSignal, timeoutMs: number) {
    this.request = request;
    this.#stops = [
      after(timeoutMs, () => this.abort(deadlineExceeded(timeoutMs, this.sent))),
      onAbort(signal, () => this.abort(cancelled(this.sent))),
    ];
  }

  /** Aborted when the call is ended from outside; its reason is the BridgeError. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the call with an error, unless it has ended. */
  abort(reason: BridgeError): void {
    this.#controller.abort(reason);
  }

  /** The call has its result: nothing ends it from outside any more. */
  finish(): void {
    for (const stop of this.#stops) stop();
  }
}
