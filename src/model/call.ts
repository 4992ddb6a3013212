import type { ToolResult } from './content.ts';
import type { BridgeError } from './errors.ts';
import type { LogEntry } from './message.ts';

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
  readonly observer?: CallObserver;
  /** Names the call in the log. */
  readonly requestId?: string;
  /** Whose call it is: stored files and kept results are shown to their principal only. `LOCAL_PRINCIPAL` unless given. */
  readonly principal?: string;
  /** The caller's key for this one piece of work: see the idempotency key of a call in docs/long-calls.md. */
  readonly idempotencyKey?: string;
  /** How the caller waits; to the end unless given. */
  readonly waiting?: Waiting;
}

/**
 * A caller that does not wait for as long as a tool may take. `plain`: it hears nothing until the answer, which has to
 * come before it gives up. `progress`: it hears of progress meanwhile. `task`: it asks for the result itself, later.
 * For `plain` and `progress` the view decides when a call is handed off: the answer then says that it goes on
 * (`ToolResult.handedOff`).
 */
export type Waiting = 'plain' | 'progress' | 'task';

/**
 * Calls a published tool. Always resolves to a result (an error is `isError` with a text that says what to do),
 * except for an unknown name, which rejects with `tool_not_found`, and a missing catalogue.
 */
export type CallTool = (name: string, args: unknown, context: CallContext) => Promise<ToolResult>;
