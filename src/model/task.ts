import type { ToolResult } from './content.ts';
import type { BridgeError } from './errors.ts';

/**
 * `working`: it goes on. `completed`: the tool answered, well or with an error of its own. `failed`: it ended without
 * an answer of the tool. `cancelled`: somebody ended it.
 */
export type CallStatus = 'working' | 'completed' | 'failed' | 'cancelled';

/** A call that lives apart from the request that started it, as it is at one moment. */
export interface CallState {
  /** Unguessable. */
  readonly callId: string;
  readonly tool: string;
  readonly status: CallStatus;
  readonly startedAt: Date;
  /** When its status or its progress last changed. */
  readonly changedAt: Date;
  /** Until now, or until its end. */
  readonly elapsedMs: number;
  /** The last thing that the tool reported. */
  readonly lastProgress?: string | undefined;
  /** Once it has ended, unless `error` stands alone. */
  readonly result?: ToolResult | undefined;
  /** Why it failed. */
  readonly error?: BridgeError | undefined;
}

/** The calls of one view that go on apart from their requests. A call is there for its principal only. */
export interface DetachedCalls {
  /** Rejects with `call_not_found`, and with `state_unavailable` where another replica may have it. */
  get(callId: string, principal: string): Promise<CallState>;
  /** Ends the call, if it has not ended, and closes its request to Dify. Rejects as `get` does. */
  cancel(callId: string, principal: string): Promise<CallState>;
  /** Milliseconds for which a call is known, at the least: from its end on. */
  readonly keepMs: number;
  /** Resolves when no call of the view goes on, and at the latest after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void>;
}
