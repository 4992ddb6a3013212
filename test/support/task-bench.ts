import type { CallContext, CallObserver } from '../../src/model/call.ts';
import type { ToolResult } from '../../src/model/content.ts';
import { BridgeError } from '../../src/model/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { ListedTool } from '../../src/model/registry.ts';
import { createJobs, type JobsOptions } from '../../src/tasks/tasks.ts';
import { createViewCalls, type HandOffRules, type ViewCalls } from '../../src/tasks/view-calls.ts';

export function answer(text: string): ToolResult {
  return { content: [{ type: 'text', text }] };
}

export function textOf(result: ToolResult): string {
  return result.content.map((block) => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n');
}

export function listed(name: string, outputSchema?: JsonObject): ListedTool {
  return {
    name,
    title: name,
    description: `Does ${name}.`,
    inputSchema: { type: 'object' },
    annotations: {},
    ...(outputSchema === undefined ? {} : { outputSchema }),
  };
}

/** A tool whose calls end when the test says so. */
export interface Bench {
  readonly calls: ViewCalls;
  readonly rules: { handOff: number | 'off'; handOffWithProgress: boolean };
  /** Calls so far, each with the ways to end it. */
  readonly runs: readonly Run[];
  call(context?: Partial<CallContext>, args?: unknown, tool?: ListedTool): Promise<ToolResult>;
  /** Calls one of the own tools; any other name answers `not ours`. */
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

export interface BenchOptions extends Partial<JobsOptions>, Partial<HandOffRules> {
  readonly view?: string;
  readonly jobs?: ReturnType<typeof createJobs>;
}

export function bench(options: BenchOptions = {}): Bench {
  const { keepMs = 60_000, maxKeptBytes = 1_000_000, view = 'default' } = options;
  const rules = {
    handOff: options.handOff ?? 1000,
    handOffWithProgress: options.handOffWithProgress ?? false,
  };
  const jobs = options.jobs ?? createJobs({ keepMs, maxKeptBytes });
  const calls = createViewCalls({ view, jobs, rules: () => rules });
  const runs: Run[] = [];

  const work = ({ signal, observer = {} }: Pick<CallContext, 'signal' | 'observer'>): Promise<ToolResult> =>
    new Promise<ToolResult>((resolve, reject) => {
      const fail = (error: BridgeError): void => {
        observer.failed?.(error);
        resolve({ ...answer(error.toText()), isError: true });
      };
      runs.push({ signal, observer, end: resolve, fail, crash: reject });
      signal.addEventListener('abort', () => fail(new BridgeError('cancelled', 'The call was cancelled.')));
    });
  const withTools = calls.withCallTools(async () => answer('not ours'));
  const contextOf = (context: Partial<CallContext> = {}): CallContext => ({
    signal: new AbortController().signal,
    ...context,
  });

  return {
    calls,
    rules,
    runs,
    call: (context, args = {}, tool = listed('slow')) =>
      calls.call({ tool, args, context: contextOf({ waiting: 'plain', ...context }), work }),
    own: (name, args, context) => withTools(name, args, contextOf(context)),
  };
}

/** The call id of an answer that the call goes on. */
export function callIdOf(result: ToolResult): string {
  const { callId } = result.handedOff ?? {};
  if (callId === undefined) throw new Error(`The call was not handed off: ${textOf(result)}`);
  return callId;
}
