import { randomUUID } from 'node:crypto';
import type { CallObserver } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import type { CallState } from '../model/task.ts';

export interface Owner {
  readonly view: string;
  readonly principal: string;
}

/**
 * One call, which is independent of the requests that wait for it. When the last request leaves, the call is cancelled,
 * unless it was detached: then it runs until it ends or `cancel` is called.
 */
export interface Task {
  readonly id: string;
  /** Resolves when the call ends; for a task on another replica, only while an observer watches it. */
  readonly ended: Promise<void>;
  readonly isOver: boolean;
  state(): CallState;
  /** Returns the result of a call that has ended. Throws what the call threw. */
  result(): ToolResult;
  /** Reports events to an observer from now on. Returns the function that stops the reports. */
  watch(observer: CallObserver): () => void;
  /** Counts one more request that waits for the call. */
  addWaiter(): void;
  /** Counts one request less. Returns true if it was the last one and the task is being cancelled. */
  removeWaiter(): boolean;
  /** Counts one request less. From then on, the task runs to its end even if no request waits. */
  detach(): void;
  /** Cancels the call. Rejects with `state_unavailable` if it runs on another replica that cannot be reached. */
  cancel(): Promise<void>;
}

/** Returns an ID with 122 random bits. Node keeps random bytes in stock for UUIDs, so that they cost no system call. */
export function newCallId(): string {
  return `call_${Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')}`;
}
