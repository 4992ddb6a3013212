import { onAbort } from '../../src/model/async.ts';
import type { Caller } from '../../src/calls/caller.ts';
import {
  type CallContext,
  type CallObserver,
  type CallOutcome,
  LOCAL_PRINCIPAL,
  outcomeOfError,
} from '../../src/model/call.ts';
import type { ToolResult } from '../../src/model/content.ts';
import { BridgeError } from '../../src/model/errors.ts';
import type { PublishedTool } from '../../src/model/registry.ts';
import { Tasks, type TasksOptions } from '../../src/tasks/tasks.ts';
import { type HandOffRules, ViewTasks } from '../../src/tasks/view-tasks.ts';
import { UNLIMITED_VIEW } from './call-limits.ts';
import { aTool } from './published-tool.ts';

export const LIMITS = { maxImageBytes: 1, maxInlineBytes: 1, maxTextChars: 1 };

export function answer(text: string): ToolResult {
  return { content: [{ type: 'text', text }] };
}

export function textOf(result: ToolResult): string {
  return result.content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n');
}

/** What a client reads: the result, or the notice that the call goes on. */
export function readBy(outcome: CallOutcome): ToolResult {
  return outcome.kind === 'result' ? outcome.result : outcome.notice;
}

/** A tool whose calls end when the test says so. */
export interface Bench {
  readonly calls: ViewTasks;
  readonly tasks: NotedTasks;
  readonly rules: { after: number | 'off'; withProgress: boolean };
  /** Calls so far, each with the ways to end it. */
  readonly runs: readonly Run[];
  /** Calls the tool; what a client reads of the outcome. */
  call(context?: Partial<CallContext>, args?: unknown, tool?: PublishedTool): Promise<ToolResult>;
  /** The same, as the outcome itself. */
  outcome(context?: Partial<CallContext>): Promise<CallOutcome>;
  /** Calls one of the tools of the bridge; any other name answers `not ours`. */
  own(name: string, args: unknown, context?: Partial<CallContext>): Promise<ToolResult>;
}

export interface Run {
  readonly observer: CallObserver;
  readonly signal: AbortSignal;
  end(result: ToolResult): void;
  /** Ends it as the bridge does: a result with the error, which the observer hears of. */
  fail(error: BridgeError): void;
  crash(error: unknown): void;
}

export interface BenchOptions extends Partial<Omit<TasksOptions, 'caller'>>, Partial<HandOffRules> {
  readonly view?: string;
  /** Another bench with whose tasks this one works. */
  readonly with?: Bench;
}

/** Tasks that note the IDs of those that were started. */
class NotedTasks extends Tasks {
  readonly started: string[] = [];

  override async start(...given: Parameters<Tasks['start']>): ReturnType<Tasks['start']> {
    const task = await super.start(...given);
    this.started.push(task.id);
    return task;
  }
}

/** A caller whose calls end when the test says so. */
function steered(runs: Run[]): Pick<Caller, 'call' | 'start'> {
  const start: Caller['start'] = (_request, observer = {}) => {
    const controller = new AbortController();
    const { signal } = controller;
    const result = new Promise<ToolResult>((resolve, reject) => {
      const fail = (error: BridgeError): void => {
        observer.failed?.(error);
        resolve({ ...answer(error.toText()), isError: true });
      };
      runs.push({ signal, observer, end: resolve, fail, crash: reject });
      signal.addEventListener('abort', () => fail(new BridgeError('cancelled', 'The call was cancelled.')));
    });
    return { result, cancel: () => controller.abort() };
  };
  return {
    start,
    call(request, { signal, observer }) {
      const { result, cancel } = start(request, observer);
      return result.finally(onAbort(signal, cancel));
    },
  };
}

export function bench(options: BenchOptions = {}): Bench {
  const { keepMs = 60_000, maxBytes = 1_000_000, view = 'default', shared } = options;
  const rules = {
    after: options.after ?? 1000,
    withProgress: options.withProgress ?? false,
  };
  const runs: Run[] = [];
  const caller = steered(runs);
  const tasks = options.with?.tasks ?? new NotedTasks({ caller, keepMs, maxBytes, shared });
  const calls = new ViewTasks({ view, tasks, caller });
  const contextOf = (context: Partial<CallContext> = {}): CallContext => ({
    signal: new AbortController().signal,
    ...context,
  });

  function outcome(
    given: Partial<CallContext> = {},
    args: unknown = {},
    tool = aTool({ name: 'slow' }),
  ): Promise<CallOutcome> {
    const context = contextOf({ waiting: 'plain', ...given });
    const { principal = LOCAL_PRINCIPAL } = context;
    return calls
      .call({ tool, args, parameters: {}, principal, view: UNLIMITED_VIEW, limits: LIMITS }, context, rules)
      .catch(outcomeOfError);
  }

  return {
    calls,
    tasks,
    rules,
    runs,
    outcome,
    call: async (...call) => readBy(await outcome(...call)),
    async own(name, args, context) {
      const answered = calls.answer(name, args, contextOf(context), rules);
      return answered === undefined ? answer('not ours') : readBy(await answered.catch(outcomeOfError));
    },
  };
}

/** The call id of an answer that the call goes on. */
export function callIdOf(result: ToolResult): string {
  const callId = /"call_id": "(call_[\w-]+)"/.exec(textOf(result))?.[1];
  if (callId === undefined) throw new Error(`The call was not handed off: ${textOf(result)}`);
  return callId;
}
