import type { ToolResult } from './content.ts';
import type { BridgeError } from './errors.ts';

/**
 * `working`: the call is running. `completed`: the tool answered, with a result or an error of its own. `failed`: the
 * call ended without an answer from the tool. `cancelled`: the call was cancelled.
 */
export type CallStatus = 'working' | 'completed' | 'failed' | 'cancelled';

/** A snapshot of a call that may outlive the request that started it. */
export interface CallState {
  /** Unguessable. */
  readonly callId: string;
  readonly tool: string;
  readonly status: CallStatus;
  readonly startedAt: Date;
  /** When the status or the progress last changed. */
  readonly changedAt: Date;
  /** Time until now, or until the end of the call. */
  readonly elapsedMs: number;
  readonly lastProgress?: string | undefined;
  /** Present once the call has ended, unless it has only an `error`. */
  readonly result?: ToolResult | undefined;
  readonly error?: BridgeError | undefined;
}

/** The calls of one view that outlive their requests. Only its principal can find a call. */
export interface DetachedCalls {
  /** Rejects with `call_not_found`, and with `state_unavailable` if another replica may have the call. */
  get(callId: string, principal: string): Promise<CallState>;
  /** Cancels the call if it is running, and closes its request to Dify. Rejects as `get` does. */
  cancel(callId: string, principal: string): Promise<CallState>;
  /** How long a call can be found after it ends, in milliseconds. */
  readonly keepMs: number;
  /** Resolves when no call of the view is running, after `timeoutMs` at the latest. */
  idle(timeoutMs: number): Promise<void>;
}
