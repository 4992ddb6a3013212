import type { ToolResult } from './content.ts';
import type { BridgeError } from './errors.ts';
import type { CallStatus } from './task.ts';

/** A call as its replica last published it. Times are milliseconds since 1970. */
export interface SharedCall {
  readonly callId: string;
  readonly tool: string;
  readonly status: CallStatus;
  readonly startedAt: number;
  readonly changedAt: number;
  /** Duration in milliseconds; undefined while the call is running. */
  readonly elapsedMs?: number | undefined;
  readonly lastProgress?: string | undefined;
  /** Present once the call has ended, unless it has only a `failure`. */
  readonly result?: ToolResult | undefined;
  /** Why the call failed, in the tool or before it. */
  readonly failure?: BridgeError | undefined;
}

export interface FoundCall {
  readonly call: SharedCall;
  /** The ID of the replica that runs the call, for `tell`. */
  readonly replica: string;
  /** Whether the call has ended, with a result, an error or both. */
  readonly isOver: boolean;
  /** False if the call has not ended and its replica sends no heartbeats. */
  readonly isAlive: boolean;
  /** Bytes of the result if it was evicted or too large to store. */
  readonly droppedBytes?: number | undefined;
}

/** A work key. Both members are hashes. */
export interface SharedKey {
  readonly scope: string;
  readonly argumentsDigest: string;
}

/** The state of a call, for publication to the other replicas. */
export interface CallNews {
  readonly call: SharedCall;
  readonly isOver: boolean;
  /** Hash of the owner. Only the owner can find the call. */
  readonly owner: string;
  /** The key of the call while other requests may join it. */
  readonly key?: SharedKey | undefined;
}

export type CallOrder = 'cancel' | 'add-waiter' | 'remove-waiter' | 'detach';

/**
 * The calls that all replicas share: those that were handed off, and those with an idempotency key. Every method
 * rejects with `state_unavailable` within seconds if the shared state cannot be reached.
 */
export interface SharedCalls {
  /**
   * Claims the key for a call that is about to start, and registers the call, in one step. The claim expires unless the
   * call is published in time. Resolves with undefined if the key was free or belonged to `insteadOf`, otherwise with
   * the call that has it.
   */
  claim(
    news: CallNews & { readonly key: SharedKey },
    insteadOf?: string,
  ): Promise<{ readonly callId: string; readonly argumentsDigest: string } | undefined>;
  /** Publishes the state of a call, unless it has already ended. Requests can no longer join it by `lostKey`. */
  publish(news: CallNews, lostKey?: SharedKey): Promise<void>;
  /** Resolves with a call; undefined if it is unknown or has another owner. */
  find(callId: string, owner: string): Promise<FoundCall | undefined>;
  /** Sends an order to the replica of a call. Resolves with false if that replica is not listening. */
  tell(replica: string, callId: string, order: CallOrder): Promise<boolean>;
  /** Listens for orders to this replica. */
  onOrder(listener: (callId: string, order: CallOrder) => void): void;
  /** Calls back when a call has changed, or may have. Returns the function that removes the listener. */
  onNews(callId: string, listener: () => void): () => void;
  /** Sends a heartbeat. Without the next one in time, this replica counts as gone. */
  beat(): Promise<void>;
  /** The interval at which to call `beat`, in milliseconds. */
  readonly beatMs: number;
  /** Reports that this replica is gone. */
  close(): Promise<void>;
}
