import { randomBytes } from 'node:crypto';
import type { CallObserver } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import type { CallState } from '../model/task.ts';

/** Random bytes of a call id. */
const ID_BYTES = 18;

/** Whose task it is. */
export interface Owner {
  readonly view: string;
  readonly principal: string;
}

/**
 * One call, apart from the requests that wait for it. It is cancelled when the last of them has left, unless it was
 * detached: then it goes on until it ends or is cancelled by name.
 */
export interface Task {
  /** The call id. */
  readonly id: string;
  /** Resolves at its end; of a task on another replica only as long as somebody watches it. */
  readonly ended: Promise<void>;
  readonly isOver: boolean;
  state(): CallState;
  /** What it ended with; throws what the call threw. Only once it has ended. */
  result(): ToolResult;
  /** Reports to an observer what happens from now on. Returns the function that ends it. */
  watch(observer: CallObserver): () => void;
  /** One more request waits for it. */
  addWaiter(): void;
  /** A request waits no longer. True: it was the last, and the task is being cancelled. */
  removeWaiter(): boolean;
  /** A request waits no longer, and the task goes on without anybody who waits. */
  detach(): void;
  /** Ends it. Rejects with `state_unavailable` where it runs on another replica that cannot be reached. */
  cancel(): Promise<void>;
}

/** An id that nobody guesses. */
export function newCallId(): string {
  return `call_${randomBytes(ID_BYTES).toString('base64url')}`;
}
