import { type CallContext, type CallTool, LOCAL_PRINCIPAL } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import { asBridgeError, type BridgeError } from '../model/errors.ts';
import type { DetachedCalls } from '../model/task.ts';
import type { ListedTool } from '../model/registry.ts';
import {
  cancelAnswer,
  leftAnswer,
  refusal,
  runningAnswer,
  unknownCall,
  wrongArguments,
} from './call-answers.ts';
import type { Job, Work } from './task.ts';
import type { Jobs } from './tasks.ts';
import { CALL_TOOL_NAMES, type CallTools, defineCallTools, maxWaitSeconds } from './call-tools.ts';

/** What answers within this time is no task, in milliseconds. */
const TASK_AFTER_MS = 500;

/** How long whoever cancels a call waits for its end, in milliseconds. */
const CANCEL_MS = 10_000;

/** When the calls of a view are handed off. */
export interface HandOffRules {
  /** Milliseconds that a request waits for its result. */
  readonly handOff: number | 'off';
  /** Whether this applies to callers that hear of progress as well. */
  readonly handOffWithProgress: boolean;
}

export interface ViewCallsOptions {
  readonly view: string;
  readonly jobs: Jobs;
  /** As they are at any time. */
  readonly rules: () => HandOffRules;
}

/** A call of a published tool. */
export interface PublishedCall {
  readonly tool: ListedTool;
  readonly args: unknown;
  readonly context: CallContext;
  readonly work: Work;
}

/** The calls of one view: waits for them, hands them off, and finds them again. */
export interface ViewCalls {
  /**
   * Runs a call, or joins the one with the same idempotency key. The result, or where the caller does not wait that
   * long the answer that it goes on.
   */
  call(call: PublishedCall): Promise<ToolResult>;
  /** Answers the tools for calls that were handed off, where they are listed, and leaves all others to `callTool`. */
  withCallTools(callTool: CallTool): CallTool;
  /** The tools for calls that were handed off; none where hand-off is off. The same object as long as it is so. */
  ownTools(): readonly ListedTool[];
  readonly detached: DetachedCalls;
  /** Nobody of that principal can ask for results any more: ends the calls that go on. */
  abandon(principal: string): void;
}

export function createViewCalls({ view, jobs, rules }: ViewCallsOptions): ViewCalls {
  let defined:
    | { readonly limitMs: number; readonly tools: CallTools; readonly listed: readonly ListedTool[] }
    | undefined;

  function callTools(): typeof defined {
    const { handOff } = rules();
    if (handOff === 'off') return undefined;
    if (defined?.limitMs !== handOff) {
      const tools = defineCallTools(maxWaitSeconds(handOff));
      defined = { limitMs: handOff, tools, listed: Object.values(tools).map(({ tool }) => tool) };
    }
    return defined;
  }

  /** How long a request waits before it hands its call off; undefined: to the end. */
  function limitOf({ waiting }: CallContext): number | undefined {
    if (waiting === undefined) return undefined;
    if (waiting === 'task') return TASK_AFTER_MS;
    const { handOff, handOffWithProgress } = rules();
    if (handOff === 'off' || (waiting === 'progress' && !handOffWithProgress)) return undefined;
    return handOff;
  }

  const ownerOf = (principal = LOCAL_PRINCIPAL) => ({ view, principal });

  async function find(callId: string, principal: string | undefined): Promise<Job> {
    const job = await jobs.find(callId, ownerOf(principal));
    if (job === undefined) throw unknownCall(callId, jobs.keepMs);
    return job;
  }

  async function call({ tool, args, context, work }: PublishedCall): Promise<ToolResult> {
    const limitMs = limitOf(context);
    const { principal, idempotencyKey, signal, observer = {} } = context;
    if (limitMs === undefined && idempotencyKey === undefined) return work({ signal, observer });
    const job = await jobs.start({ tool: tool.name, owner: ownerOf(principal), args, idempotencyKey, work });
    const how = await waitFor(job, context, limitMs);
    if (job.isOver) return job.result();
    if (how === 'limit') {
      await jobs.handOver(job);
      return job.isOver ? job.result() : runningAnswer(job.state(), tool.outputSchema);
    }
    if (!job.leave()) return leftAnswer();
    await job.ended;
    return job.result();
  }

  async function getResult(
    { getResult }: CallTools,
    args: unknown,
    context: CallContext,
  ): Promise<ToolResult> {
    const parsed = getResult.parse(args);
    if (!parsed.ok) return wrongArguments(getResult.tool, parsed.problems);
    const { call_id: callId, wait_seconds: seconds } = parsed.values;
    const job = await find(callId, context.principal);
    if (!job.isOver) await waitFor(job, context, seconds * 1000);
    return job.isOver ? job.result() : runningAnswer(job.state());
  }

  async function cancelCall(
    { cancelCall }: CallTools,
    args: unknown,
    context: CallContext,
  ): Promise<ToolResult> {
    const parsed = cancelCall.parse(args);
    if (!parsed.ok) return wrongArguments(cancelCall.tool, parsed.problems);
    const job = await find(parsed.values.call_id, context.principal);
    const wasRunning = !job.isOver;
    if (wasRunning) {
      await job.cancel();
      await waitFor(job, { signal: context.signal }, CANCEL_MS);
    }
    return cancelAnswer(job.state(), wasRunning);
  }

  return {
    call: (request) => call(request).catch(asResult),

    withCallTools: (callTool) => async (name, args, context) => {
      const own = CALL_TOOL_NAMES.has(name) ? callTools() : undefined;
      if (own === undefined) return callTool(name, args, context);
      const answer = name === own.tools.getResult.tool.name ? getResult : cancelCall;
      return answer(own.tools, args, context).catch(asResult);
    },

    ownTools: () => callTools()?.listed ?? [],

    detached: {
      get: async (callId, principal) => (await find(callId, principal)).state(),
      async cancel(callId, principal) {
        const job = await find(callId, principal);
        if (!job.isOver) await job.cancel();
        return job.state();
      },
      keepMs: jobs.keepMs,
      idle: (timeoutMs) => jobs.idle(view, timeoutMs),
    },

    abandon: (principal) => jobs.cancelAll(ownerOf(principal)),
  };
}

/** Waits for the end of a job, for as long as the caller does and at the most until the limit. */
function waitFor(
  job: Job,
  { signal, observer = {} }: Pick<CallContext, 'signal' | 'observer'>,
  limitMs: number | undefined,
): Promise<'ended' | 'limit' | 'left'> {
  return new Promise((resolve) => {
    const unwatch = job.watch(observer);
    const settle = (how: 'ended' | 'limit' | 'left'): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
      unwatch();
      resolve(how);
    };
    const leave = (): void => settle('left');
    const timer = limitMs === undefined ? undefined : setTimeout(() => settle('limit'), limitMs);
    signal.addEventListener('abort', leave, { once: true });
    void job.ended.then(() => settle('ended'));
    if (signal.aborted) leave();
  });
}

/** Errors that a model can read become results; the others are for the protocol. */
function asResult(thrown: unknown): ToolResult {
  const error: BridgeError = asBridgeError(thrown);
  if (error.rule.mcp === 'protocol' || error.code === 'internal') throw thrown;
  return refusal(error);
}
