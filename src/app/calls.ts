import { existsSync } from 'node:fs';
import { Caller } from '../calls/caller.ts';
import { CallLimits } from '../calls/call-limits.ts';
import type { Config } from '../config/schema.ts';
import { ToolResults } from '../content/tool-result.ts';
import type { CallPlace, CallRecorder } from '../model/call-record.ts';
import type { Logger } from '../model/logger.ts';
import type { MemoryBudget } from '../model/memory-budget.ts';
import type { RateStore } from '../model/ports.ts';
import type { FileSource } from '../model/registry.ts';
import { createInputs } from './file-inputs.ts';
import type { BridgeFiles } from './files.ts';
import type { Road } from './road.ts';

export interface CallParts {
  readonly road: Road;
  readonly files: BridgeFiles;
  /** The ways in which callers may pass a file. */
  readonly sources: readonly FileSource[];
  /** Memory for the answers of all calls together. */
  readonly memory: MemoryBudget;
  readonly place: CallPlace;
  /** Calls a minute are counted within it: the workspace, or the account that signed in. */
  readonly scope: string;
  readonly recorder: CallRecorder;
  /** Counts the calls of all replicas. */
  readonly rates?: RateStore | undefined;
  readonly logger: Logger;
  /** See `CallerOptions`. */
  readonly onStale?: (() => void) | undefined;
}

export function openCaller(
  config: Config,
  parts: CallParts,
  { results, limits }: { readonly results: ToolResults; readonly limits: CallLimits },
): Caller {
  const { road, files, sources, memory, place, recorder, onStale } = parts;
  const { invoker, uploader, userId, endUsers } = road;
  return new Caller({
    invoker,
    files: createInputs(config, { uploader, kept: files, sources }),
    results,
    userId,
    endUsers,
    timeoutMs: config.calls.timeout,
    limits,
    onStale,
    memory,
    place,
    recorder,
  });
}

export function openLimits(
  { calls, limits, keysFile, oauth }: Config,
  { scope, rates, logger }: CallParts,
): CallLimits {
  const { maxConcurrent, maxQueued } = calls;
  const mostButNotAll = Math.max(1, Math.min(maxConcurrent - 1, Math.ceil(maxConcurrent * 0.75)));
  return new CallLimits({
    scope,
    maxConcurrent,
    maxQueued,
    maxPerPrincipal: limits.callsPerPrincipal ?? mostButNotAll,
    maxQueuedPerPrincipal: limits.queuedPerPrincipal ?? Math.ceil(maxQueued / 2),
    maxPerProvider: limits.callsPerProvider ?? maxConcurrent,
    hasSeveral: existsSync(keysFile) || oauth.issuer !== undefined,
    ratePerPrincipal: limits.ratePerPrincipal,
    ratePerProvider: limits.ratePerProvider,
    breaker: { failures: limits.breakerFailures, pauseMs: limits.breakerPause, logger },
    rates,
  });
}

/** Returns the converter from Dify's messages to results. */
export function openResults(
  config: Config,
  { road, files, logger }: Pick<CallParts, 'road' | 'files' | 'logger'>,
): ToolResults {
  return new ToolResults({
    opener: road.opener,
    store: files.store,
    accessOf: files.accessOf,
    maxOutputBytes: maxOutputBytes(config, files),
    logger,
  });
}

/** Returns the size limit of a result's file. A file larger than the store would evict all others before it fails. */
export function maxOutputBytes({ files }: Config, store: Pick<BridgeFiles, 'maxBytes'>): number {
  return Math.min(files.maxOutputBytes, store.maxBytes);
}
