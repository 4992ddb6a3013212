import { errorResult, type ToolResult } from './content.ts';
import { asBridgeError, type BridgeError } from './errors.ts';
import type { LogEntry } from './message.ts';
import type { TraceContext } from './ports.ts';
import type { ToolListSource } from './registry.ts';
import type { CallState, DetachedCalls } from './task.ts';

/** Receives the events of a running call. No method may throw. */
export interface CallObserver {
  /** A step that the tool reported. */
  log?(entry: LogEntry): void;
  /** The tool produced output. `message` is a short sentence, such as "Received 3 messages". */
  progress?(message: string): void;
  /** The call failed. Its result has the same error without the code. */
  failed?(error: BridgeError): void;
}

/** The principal of stdio and the command line: the person who started the bridge. */
export const LOCAL_PRINCIPAL = 'local';

/** The request of a call as it arrived, for traces. */
export interface CallRpc {
  /** The ID of the JSON-RPC request. */
  readonly id: string | number;
  readonly protocolVersion?: string | undefined;
  readonly transport: 'pipe' | 'tcp';
  /** The caller's span. */
  readonly trace?: TraceContext | undefined;
}

/** Where a call comes from. All but `rpc` are fields of the log: the texts of others are short, and on one line. */
export interface CallOrigin {
  /** Identifies the call in the log. */
  readonly requestId: string;
  /** What the client calls itself. */
  readonly client?: string | undefined;
  readonly clientVersion?: string | undefined;
  /** Distinguishes the session from all others, and does not open it. */
  readonly session?: string | undefined;
  /** The other end of the connection: the proxy, if there is one. */
  readonly address?: string | undefined;
  /** What a proxy says about its client. Without a proxy, the client itself may say anything here. */
  readonly forwardedFor?: string | undefined;
  /** The caller's trace (W3C Trace Context). */
  readonly traceId?: string | undefined;
  readonly rpc?: CallRpc | undefined;
}

export interface CallContext {
  readonly signal: AbortSignal;
  readonly observer?: CallObserver | undefined;
  readonly origin?: CallOrigin | undefined;
  /** The owner of the call: only it can see the stored files and results. Default: `LOCAL_PRINCIPAL`. */
  readonly principal?: string | undefined;
  /** The caller's idempotency key: see docs/long-calls.md. */
  readonly idempotencyKey?: string | undefined;
  /** How the caller waits. Default: to the end. */
  readonly waiting?: Waiting | undefined;
}

/**
 * How a caller waits that may give up before the tool ends. `plain`: it receives nothing before the answer. `progress`:
 * it receives progress. `task`: it polls for the result. For `plain` and `progress`, the view decides when to hand off.
 */
export type Waiting = 'plain' | 'progress' | 'task';

/** How a call was answered. */
export type CallOutcome =
  /** The call ended. Most errors are results too, with text that says what to do. */
  | { readonly kind: 'result'; readonly result: ToolResult }
  /** The call continues without its request. The notice tells the model how to get the result. */
  | { readonly kind: 'running'; readonly state: CallState; readonly notice: ToolResult };

/** The tools that clients are served: see `View` in `view/view.ts`. */
export interface ToolService {
  /** Instructions for the model about the tools as a whole. They may change. */
  readonly instructions?: string | undefined;
  readonly tools: ToolListSource;
  /** The calls that outlive their requests. Without it no call becomes a task. */
  readonly detached?: DetachedCalls | undefined;
  /**
   * Calls a tool. Rejects with `tool_not_found` for an unknown name, with `catalog_unavailable` if the catalogue is not
   * loaded, and with `internal`. Every other error is a result.
   */
  callTool(name: string, args: unknown, context: CallContext): Promise<CallOutcome>;
}

/** Like `ToolService.callTool`, but resolves with the notice of a call that was handed off as its result. */
export type CallTool = (name: string, args: unknown, context: CallContext) => Promise<ToolResult>;

/** Returns an error as a result. Rethrows `internal` errors and those that are protocol errors: see `ErrorRule.mcp`. */
export function outcomeOfError(thrown: unknown): CallOutcome {
  const error = asBridgeError(thrown);
  if (error.rule.mcp === 'protocol' || error.code === 'internal') throw thrown;
  return { kind: 'result', result: errorResult(error) };
}
