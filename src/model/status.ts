import type { CallEnd, CallFacts } from './call-record.ts';
import type { CatalogStatus, ListedTool, WithheldTool } from './registry.ts';
import type { ToolRef } from './tool.ts';

/** The circuit breaker of a provider. */
export interface BreakerState {
  readonly provider: string;
  readonly state: 'closed' | 'half-open' | 'open';
  /** When an open one lets a call through again. */
  readonly until?: Date | undefined;
}

/** A call without its contents. */
export interface CallSummary extends Pick<CallFacts, 'workspace' | 'view' | 'principal' | 'tool'> {
  readonly client?: string | undefined;
  readonly startedAt: Date;
  /** Absent while it runs. */
  readonly end?: CallEnd | undefined;
}

/** The size of a definition or a list in a message, and an estimate of its tokens in a model's context. */
export interface Cost {
  readonly bytes: number;
  readonly tokens: number;
}

export interface ToolStatus extends Cost {
  readonly tool: ListedTool;
  readonly ref: ToolRef;
  readonly providerLabel: string;
  readonly authorized: boolean;
}

export interface ViewStatus {
  readonly name: string;
  /** Where clients reach it; undefined before the bridge listens. */
  readonly url?: string | undefined;
  readonly mode: 'list' | 'search';
  /** The published tools; undefined until the catalogue is loaded. */
  readonly tools?: readonly ToolStatus[] | undefined;
  readonly withheld: readonly WithheldTool[];
  /** What a client gets as its list of tools. */
  readonly shown: Cost & { readonly tools: number };
}

export interface WorkspaceStatus {
  readonly name: string;
  /** The road to Dify, and its host. */
  readonly road: string;
  readonly host: string;
  readonly catalog: CatalogStatus;
  readonly views: readonly ViewStatus[];
}

export interface ClientLines {
  readonly title: string;
  readonly text: string;
  readonly afterwards: string;
}

export interface BridgeStatus {
  readonly version: string;
  readonly startedAt: Date;
  readonly health: string;
  readonly workspaces: readonly WorkspaceStatus[];
  /** The running calls, and the latest ones that ended. */
  readonly running: readonly CallSummary[];
  readonly ended: readonly CallSummary[];
  readonly breakers: readonly BreakerState[];
  readonly clients: readonly ClientLines[];
}
