import type { Caller } from '../calls/caller.ts';
import type { CallRequest } from '../calls/running-call.ts';
import { after, onAbort } from '../model/async.ts';
import { type CallContext, type CallOutcome, LOCAL_PRINCIPAL } from '../model/call.ts';
import { type ToolResult, withIgnored } from '../model/content.ts';
import type { ListedTool } from '../model/registry.ts';
import type { CallState, DetachedCalls } from '../model/task.ts';
import { cancelAnswer, requestLeft, stillRuns, unknownCall } from './call-answers.ts';
import { CALL_TOOL_NAMES, type CallTools, defineCallTools, maxWaitSeconds } from './call-tools.ts';
import type { Owner, Task } from './task.ts';
import type { Tasks } from './tasks.ts';

/** If a call takes longer than this, a client that understands tasks gets a task. In milliseconds. */
const TASK_AFTER_MS = 500;

/** How long cancel_call waits for the end of the call, in milliseconds. */
const CANCEL_MS = 10_000;

export interface HandOffRules {
  /** How long a request waits for its result, in milliseconds. */
  readonly after: number | 'off';
  /** Whether this also applies to callers that receive progress. */
  readonly withProgress: boolean;
}

export interface ViewTasksOptions {
  readonly view: string;
  readonly tasks: Tasks;
  readonly caller: Pick<Caller, 'call'>;
}

/** The hand-off tools. Their longest wait depends on the time limit of a request. */
interface DefinedTools {
  readonly limitMs: number;
  readonly tools: CallTools;
  readonly listed: readonly ListedTool[];
}

/** The calls of one view: waits for them, hands them off and finds them again. */
export class ViewTasks implements DetachedCalls {
  readonly #options: ViewTasksOptions;
  #defined: DefinedTools | undefined;

  constructor(options: ViewTasksOptions) {
    this.#options = options;
  }

  get keepMs(): number {
    return this.#options.tasks.keepMs;
  }

  /**
   * Makes a call, or joins the one with the same idempotency key. Resolves with its result or, if the call is handed
   * off, with the notice that it is still running.
   */
  async call(request: CallRequest, context: CallContext, rules: HandOffRules): Promise<CallOutcome> {
    const limitMs = limitOf(context, rules);
    const { idempotencyKey } = context;
    if (limitMs === undefined && idempotencyKey === undefined) {
      return ended(await this.#options.caller.call(request, context));
    }
    const owner = this.#owner(request.principal);
    const task = await this.#options.tasks.start({ call: request, owner, idempotencyKey });
    const end = await waitFor(task, context, limitMs);
    if (task.isOver) return ended(task.result());
    if (end === 'limit') {
      await this.#options.tasks.detach(task);
      return task.isOver ? ended(task.result()) : stillRuns(task.state(), request.tool.outputSchema);
    }
    if (!task.removeWaiter()) throw requestLeft();
    await task.ended;
    return ended(task.result());
  }

  /** Returns the hand-off tools, none if hand-off is off. Returns the same array until the limit changes. */
  toolsFor({ after: limitMs }: HandOffRules): readonly ListedTool[] {
    return limitMs === 'off' ? [] : this.#toolsWithin(limitMs).listed;
  }

  /**
   * Answers a call of a hand-off tool. Returns undefined for any other name, and if hand-off is off. Rejects with a
   * BridgeError for wrong arguments and an unknown call.
   */
  answer(
    name: string,
    args: unknown,
    context: CallContext,
    { after: limitMs }: HandOffRules,
  ): Promise<CallOutcome> | undefined {
    if (limitMs === 'off' || !CALL_TOOL_NAMES.has(name)) return undefined;
    const { tools } = this.#toolsWithin(limitMs);
    return name === tools.getResult.tool.name
      ? this.#getResult(tools, args, context)
      : this.#cancelCall(tools, args, context);
  }

  async get(callId: string, principal: string): Promise<CallState> {
    return (await this.#find(callId, principal)).state();
  }

  async cancel(callId: string, principal: string): Promise<CallState> {
    const task = await this.#find(callId, principal);
    if (!task.isOver) await task.cancel();
    return task.state();
  }

  idle(timeoutMs: number): Promise<void> {
    return this.#options.tasks.idle(this.#options.view, timeoutMs);
  }

  /** Cancels the running calls of a principal, or all of them, because nobody can fetch their results any longer. */
  abandon(principal?: string): void {
    this.#options.tasks.cancelAll(this.#options.view, principal);
  }

  async #getResult({ getResult }: CallTools, args: unknown, context: CallContext): Promise<CallOutcome> {
    const { values, ignored } = getResult.parse(args);
    const { call_id: callId, wait_seconds: seconds } = values;
    const task = await this.#find(callId, context.principal);
    if (!task.isOver) await waitFor(task, context, seconds * 1000);
    if (task.isOver) return ended(task.result(), ignored);
    const running = stillRuns(task.state());
    return { ...running, notice: withIgnored(running.notice, ignored) };
  }

  async #cancelCall({ cancelCall }: CallTools, args: unknown, context: CallContext): Promise<CallOutcome> {
    const { values, ignored } = cancelCall.parse(args);
    const task = await this.#find(values.call_id, context.principal);
    const wasRunning = !task.isOver;
    if (wasRunning) {
      await task.cancel();
      await waitFor(task, { signal: context.signal }, CANCEL_MS);
    }
    return ended(cancelAnswer(task.state(), wasRunning), ignored);
  }

  async #find(callId: string, principal: string | undefined): Promise<Task> {
    const task = await this.#options.tasks.find(callId, this.#owner(principal));
    if (task === undefined) throw unknownCall(callId, this.keepMs);
    return task;
  }

  #owner(principal = LOCAL_PRINCIPAL): Owner {
    return { view: this.#options.view, principal };
  }

  #toolsWithin(limitMs: number): DefinedTools {
    if (this.#defined?.limitMs !== limitMs) {
      const tools = defineCallTools(maxWaitSeconds(limitMs));
      this.#defined = { limitMs, tools, listed: Object.values(tools).map(({ tool }) => tool) };
    }
    return this.#defined;
  }
}

/** Returns how long a request waits before its call is handed off, or undefined if it waits to the end. */
function limitOf(
  { waiting }: CallContext,
  { after: limitMs, withProgress }: HandOffRules,
): number | undefined {
  if (waiting === undefined) return undefined;
  if (waiting === 'task') return TASK_AFTER_MS;
  if (limitMs === 'off' || (waiting === 'progress' && !withProgress)) return undefined;
  return limitMs;
}

function ended(result: ToolResult, ignored?: readonly string[]): CallOutcome {
  return { kind: 'result', result: withIgnored(result, ignored) };
}

/** Waits until the task ends, the caller leaves or the limit passes, and returns which of these came first. */
async function waitFor(
  task: Task,
  { signal, observer = {} }: Pick<CallContext, 'signal' | 'observer'>,
  limitMs: number | undefined,
): Promise<'ended' | 'limit' | 'left'> {
  if (signal.aborted) return 'left';
  const stops = [task.watch(observer)];
  const end = await new Promise<'ended' | 'limit' | 'left'>((resolve) => {
    stops.push(onAbort(signal, () => resolve('left')));
    if (limitMs !== undefined) stops.push(after(limitMs, () => resolve('limit')));
    void task.ended.then(() => resolve('ended'));
  });
  for (const stop of stops) stop();
  return end;
}
