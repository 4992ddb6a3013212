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

/** What accompanies one call. */
export interface CallContext {
  readonly signal: AbortSignal;
  readonly observer?: CallObserver;
  /** Names the call in the log. */
  readonly requestId?: string;
}

/**
 * Calls a published tool. Always resolves to a result (an error is `isError` with a text that says what to do),
 * except for an unknown name, which rejects with `tool_not_found`, and a missing catalogue.
 */
export type CallTool = (name: string, args: unknown, context: CallContext) => Promise<ToolResult>;
