import type { CallFacts, CallRecord, CallRecorder } from '../model/call-record.ts';
import type { CallSummary } from '../model/status.ts';

/** How many ended calls are remembered. */
const MAX_ENDED = 50;
/** How many running calls are listed. */
const MAX_RUNNING = 200;

/** Remembers running calls and the latest ones, without their contents. */
export class RecentCalls implements CallRecorder {
  readonly #running = new Set<CallSummary>();
  /** The latest last. */
  readonly #ended: CallSummary[] = [];

  started({ workspace, view, principal, tool, origin }: CallFacts): CallRecord {
    const call = { workspace, view, principal, tool, client: origin?.client, startedAt: new Date() };
    this.#running.add(call);
    return {
      ended: (end) => {
        this.#running.delete(call);
        this.#ended.push(Object.assign(call, { end }));
        if (this.#ended.length > MAX_ENDED) this.#ended.shift();
      },
    };
  }

  /** The running calls, the longest first, at most 200. */
  running(): readonly CallSummary[] {
    return [...this.#running].slice(0, MAX_RUNNING);
  }

  /** The calls that ended last, the latest first. */
  ended(): readonly CallSummary[] {
    return this.#ended.toReversed();
  }
}
