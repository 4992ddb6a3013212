import type { CallEnd, CallFacts } from './call-record.ts';

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
