import type { CallOrigin } from './call.ts';
import type { BridgeError, ErrorCode } from './errors.ts';
import type { ToolInvokeMessage } from './message.ts';
import type { TraceContext } from './ports.ts';
import type { PublishedTool } from './registry.ts';
import type { ToolRef } from './tool.ts';

/** Where the calls of a bridge go. */
export interface CallPlace {
  readonly workspace: string;
  /** How Dify is reached. */
  readonly road: 'account' | 'inner';
  /** The host of Dify's address. */
  readonly host: string;
}

/** What is known of a call when it begins. */
export interface CallFacts extends CallPlace {
  readonly view: string;
  readonly principal: string;
  /** The published name; if no tool has it, the name that the client sent. */
  readonly tool: string;
  /** Absent if no tool has the name, and for a tool of the bridge. */
  readonly ref?: ToolRef | undefined;
  /** Whether the bridge answers by itself: one of the tools that search tools, or that fetch and cancel calls. */
  readonly isBridgeTool?: boolean | undefined;
  readonly credentialId?: string | undefined;
  readonly origin?: CallOrigin | undefined;
  /** The arguments as the client sent them. */
  readonly args: unknown;
}

export interface CallEnd {
  readonly outcome: ErrorCode | 'ok';
  readonly durationMs: number;
  readonly messages: number;
  /** The size of Dify's answer. */
  readonly bytes: number;
  /** Why every call fails until the operator of the bridge acts. */
  readonly operatorError?: BridgeError | undefined;
}

/** The part of a result that exceeded its budget. */
export type TruncatedPart = 'text' | 'structured_content';

/** Follows one call. No method may throw. */
export interface CallRecord {
  /** The invocation is about to be sent. Returns the trace context to send with it. */
  sent?(): TraceContext | undefined;
  received?(message: ToolInvokeMessage): void;
  truncated?(part: TruncatedPart): void;
  ended(end: CallEnd): void;
}

/** Follows all calls, including those that are refused: the log, the metrics, the audit log and the traces. */
export interface CallRecorder {
  /** Must not throw. */
  started(facts: CallFacts): CallRecord;
}

/** Returns the name under which records show the provider of a tool; undefined if no tool has the name. */
export function providerName({ ref, isBridgeTool }: CallFacts): string | undefined {
  return isBridgeTool === true ? 'bridge' : ref?.providerId;
}

/** Records nothing. The default of the library and of tests. */
export const NO_RECORDER: CallRecorder = { started: () => ({ ended: () => undefined }) };

export function toolFacts({ name, ref, credentialId }: PublishedTool) {
  return { tool: name, ref, credentialId };
}
