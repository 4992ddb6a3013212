import type { CallObserver } from '../model/call.ts';
import { BridgeError } from '../model/errors.ts';
import type { CallState } from '../model/task.ts';
import type { CallOrder, FoundCall, SharedCall, SharedCalls } from '../model/shared-calls.ts';
import { unknownCall } from './call-answers.ts';
import type { Job } from './task.ts';
import { madeRoom } from './stored-results.ts';

/** How often a job is looked at without news of it, in milliseconds: a replica that is gone tells nothing. */
const LOOK_MS = 2000;
/** A job that cannot be looked at for so long is given up. */
const PATIENCE_MS = 15_000;

export interface FollowOptions {
  readonly shared: Pick<SharedCalls, 'find' | 'tell' | 'onNews'>;
  /** Hash of whose job it is. */
  readonly owner: string;
  readonly keepMs: number;
  readonly maxKeptBytes: number;
}

/** A job that runs or ran on another replica. It is looked at as long as somebody watches it. */
export function followJob(first: FoundCall, options: FollowOptions): Job {
  const { shared, owner, keepMs, maxKeptBytes } = options;
  const { callId, tool } = first.call;
  const observers = new Set<CallObserver>();
  let found = first;
  /** Why nobody learns any more what it ended with. */
  let lost = lossOf(first);
  let stopLooking: (() => void) | undefined;
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  if (isOver()) end();

  function isOver(): boolean {
    return lost !== undefined || found.isOver;
  }

  function lossOf({ call, isOver: over, isAlive, droppedBytes }: FoundCall): BridgeError | undefined {
    if (droppedBytes !== undefined) return madeRoom(droppedBytes, maxKeptBytes);
    return over || isAlive ? undefined : ownerGone(call.tool);
  }

  function take(next: FoundCall | undefined): void {
    if (isOver()) return;
    const before = found.call.lastProgress;
    if (next === undefined) lost = unknownCall(callId, keepMs);
    else {
      found = next;
      lost = lossOf(next);
    }
    const { lastProgress, failure } = found.call;
    if (lastProgress !== undefined && lastProgress !== before) {
      for (const each of observers) each.progress?.(lastProgress);
    }
    if (!isOver()) return;
    const reason = lost ?? failure;
    if (reason !== undefined) for (const each of observers) each.failed?.(reason);
    stopLooking?.();
    end();
  }

  function look(): () => void {
    let lastSeen = performance.now();
    let looking = false;
    let again = false;
    async function once(): Promise<void> {
      again = looking;
      if (looking) return;
      looking = true;
      try {
        const next = await shared.find(callId, owner);
        lastSeen = performance.now();
        take(next);
      } catch (error) {
        if (performance.now() - lastSeen > PATIENCE_MS) {
          lost = error instanceof BridgeError ? error : unknownCall(callId, keepMs);
          take(found);
        }
      } finally {
        looking = false;
      }
      if (again && !isOver()) await once();
    }
    const timer = setInterval(() => void once(), LOOK_MS);
    const stopNews = shared.onNews(callId, () => void once());
    void once();
    return () => {
      clearInterval(timer);
      stopNews();
    };
  }

  function tell(order: CallOrder): Promise<boolean> {
    return shared.tell(found.replica, callId, order);
  }

  return {
    id: callId,
    ended,
    get isOver() {
      return isOver();
    },
    state: () => stateOf(found.call, lost),
    result() {
      const reason = lost ?? (found.call.result === undefined ? found.call.failure : undefined);
      if (reason !== undefined) throw reason;
      if (found.call.result === undefined) throw new Error(`The call of ${tool} has not ended.`);
      return found.call.result;
    },
    watch(observer) {
      // A wrapper of its own, so that an observer given twice is two.
      const own: CallObserver = { ...observer };
      observers.add(own);
      if (!isOver()) stopLooking ??= look();
      return () => {
        observers.delete(own);
        if (observers.size > 0) return;
        stopLooking?.();
        stopLooking = undefined;
      };
    },
    // Of these its replica makes what it can: a waiter that it does not hear of does not end the job.
    enter: () => void tell('enter').catch(() => undefined),
    leave() {
      if (!isOver()) void tell('leave').catch(() => undefined);
      return false;
    },
    handOver: () => void tell('hand-over').catch(() => undefined),
    async cancel() {
      if (await tell('cancel')) return;
      throw new BridgeError('state_unavailable', 'The replica that runs the call does not listen just now.', {
        hint: 'The call may go on. Try again in a moment.',
      });
    },
  };
}

function stateOf(call: SharedCall, lost: BridgeError | undefined): CallState {
  const { callId, tool, startedAt, changedAt, lastProgress, result, failure } = call;
  const status = lost === undefined ? call.status : 'failed';
  const error = lost ?? failure;
  return {
    callId,
    tool,
    status,
    startedAt: new Date(startedAt),
    changedAt: new Date(changedAt),
    elapsedMs: call.elapsedMs ?? Math.max(0, Date.now() - startedAt),
    ...(lastProgress === undefined ? {} : { lastProgress }),
    ...(result === undefined || lost !== undefined ? {} : { result }),
    ...(status === 'failed' && error !== undefined ? { error } : {}),
  };
}

function ownerGone(tool: string): BridgeError {
  const message = `The replica of the bridge that ran the call of ${tool} is gone, and the result with it.`;
  return new BridgeError('call_not_found', message, {
    hint:
      'Dify may have run the tool to its end, or be running it still: check there before calling it again. ' +
      'An idempotency key that the call had is not taken again.',
  });
}
