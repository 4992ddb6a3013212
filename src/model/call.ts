import { errorResult, type ToolResult } from './content.ts';
import { asBridgeError, type BridgeError } from './errors.ts';
import type { LogEntry } from './message.ts';
import type { ToolListSource } from './registry.ts';
import type { CallState, DetachedCalls } from './task.ts';

/** What a running call tells whoever waits for it. No method may throw. */
export interface CallObserver {
  /** A step that the tool reported. */
  log?(entry: LogEntry): void;
  /** The tool produced output: a short sentence, such as "Received 3 messages". At most once a stretch. */
  progress?(message: string): void;
  /** The call failed; its result says so too, but without the code. */
  failed?(error: BridgeError): void;
}

/** Who speaks to the bridge over standard input and output, and the command line: the person who started it. */
export const LOCAL_PRINCIPAL = 'local';

/** What accompanies one call. */
export interface CallContext {
  readonly signal: AbortSignal;
  readonly observer?: CallObserver | undefined;
  /** Names the call in the log. */
  readonly requestId?: string | undefined;
  /** Whose call it is: stored files and results are shown to their principal only. `LOCAL_PRINCIPAL` unless given. */
  readonly principal?: string | undefined;
  /** The caller's key for this one piece of work: see the idempotency key of a call in docs/long-calls.md. */
  readonly idempotencyKey?: string | undefined;
  /** How the caller waits; to the end unless given. */
  readonly waiting?: Waiting | undefined;
}

/**
 * A caller that does not wait for as long as a tool may take. `plain`: it hears nothing until the answer, which has to
 * come before it gives up. `progress`: it hears of progress meanwhile. `task`: it asks for the result itself, later.
 * For `plain` and `progress` the view decides when a call is handed off.
 */
export type Waiting = 'plain' | 'progress' | 'task';

/** How a call was answered. */
export type CallOutcome =
  /** With the tool's result; an error is a result that says what to do. */
  | { readonly kind: 'result'; readonly result: ToolResult }
  /** It goes on apart from its request. The notice tells a model so, and how to get the result. */
  | { readonly kind: 'running'; readonly state: CallState; readonly notice: ToolResult };

/** What clients are served: see `View` in `view/view.ts`. */
export interface ToolService {
  /** What a model should know of the tools as a whole; may change. */
  readonly instructions?: string | undefined;
  /** What tools/list shows. */
  readonly tools: ToolListSource;
  /** Its calls that go on apart from their requests; without it no call becomes a task. */
  readonly detached?: DetachedCalls | undefined;
  /**
   * Calls a tool. Rejects with `tool_not_found` for an unknown name, with `catalog_unavailable` without a catalogue, and
   * with `internal`; every other error is a result.
   */
  callTool(name: string, args: unknown, context: CallContext): Promise<CallOutcome>;
}

/** As `ToolService.callTool`, for callers that take the notice of a call that goes on for its result. */
export type CallTool = (name: string, args: unknown, context: CallContext) => Promise<ToolResult>;

/** The outcome of a call that threw. @throws the error again where it is none that a caller reads: see `ErrorRule.mcp`. */
export function outcomeOfError(thrown: unknown): CallOutcome {
  const error = asBridgeError(thrown);
  if (error.rule.mcp === 'protocol' || error.code === 'internal') throw thrown;
  return { kind: 'result', result: errorResult(error) };
}
