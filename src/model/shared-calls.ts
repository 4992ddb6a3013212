import type { ToolResult } from './content.ts';
import type { BridgeError } from './errors.ts';
import type { CallStatus } from './task.ts';

/** A call as its replica last told the others of it. Times are milliseconds since 1970. */
export interface SharedCall {
  readonly callId: string;
  readonly tool: string;
  readonly status: CallStatus;
  readonly startedAt: number;
  readonly changedAt: number;
  /** Until its end, in milliseconds; undefined while it goes on. */
  readonly elapsedMs?: number | undefined;
  readonly lastProgress?: string | undefined;
  /** Once it has ended, unless `failure` stands alone. */
  readonly result?: ToolResult | undefined;
  /** Why it failed, in the tool or before it. */
  readonly failure?: BridgeError | undefined;
}

/** A call, with what only those replicas need that ask for it. */
export interface FoundCall {
  readonly call: SharedCall;
  /** Names the replica that it runs on, for `tell`. */
  readonly replica: string;
  /** It has ended, with a result, an error or both. */
  readonly isOver: boolean;
  /** False for a call that goes on where its replica was not heard of for too long. */
  readonly isAlive: boolean;
  /** Bytes of its result where that made room for newer ones, or was too large to keep. */
  readonly droppedBytes?: number | undefined;
}

/** A piece of work by the key that its callers gave it. Both are hashes. */
export interface SharedKey {
  readonly scope: string;
  readonly argumentsDigest: string;
}

/** A call on its way to the others. */
export interface CallNews {
  readonly call: SharedCall;
  readonly isOver: boolean;
  /** Hash of whose call it is: nobody else finds it. */
  readonly owner: string;
  /** The key that leads to it, as long as it may be joined. */
  readonly key?: SharedKey | undefined;
}

/** What one replica asks of the one that a call runs on. */
export type CallOrder = 'cancel' | 'add-waiter' | 'remove-waiter' | 'detach';

/**
 * The calls that all replicas know of: those that were handed off, and those with an idempotency key. Everything
 * rejects with `state_unavailable` within seconds where the replicas cannot be reached.
 */
export interface SharedCalls {
  /**
   * Takes the key for a call that is about to start and makes the call known, at once, until it is published or
   * nobody does so in time. Undefined: it was free, or belonged to `insteadOf`. Otherwise the call that has it.
   */
  claim(
    news: CallNews & { readonly key: SharedKey },
    insteadOf?: string,
  ): Promise<{ readonly callId: string; readonly argumentsDigest: string } | undefined>;
  /** Makes known how a call is. What has ended stays as it is. `lostKey`: it may not be joined any more. */
  publish(news: CallNews, lostKey?: SharedKey): Promise<void>;
  find(callId: string, owner: string): Promise<FoundCall | undefined>;
  /** Tells the replica of a call. False where it does not listen. */
  tell(replica: string, callId: string, order: CallOrder): Promise<boolean>;
  /** Hears what other replicas ask of this one. */
  onOrder(listener: (callId: string, order: CallOrder) => void): void;
  /** Hears when there is or may be news of a call. Answers the function that ends it. */
  onNews(callId: string, listener: () => void): () => void;
  /** Says that this replica is there. It counts as gone where it does not say so again in time. */
  beat(): Promise<void>;
  /** How often `beat` is due, in milliseconds. */
  readonly beatMs: number;
  /** Says that this replica goes. */
  close(): Promise<void>;
}
