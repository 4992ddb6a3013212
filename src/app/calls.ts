import { Caller } from '../calls/caller.ts';
import type { DifyConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import { ToolResults } from '../content/tool-result.ts';
import type { DifyConsole } from '../dify/console/console.ts';
import { createFileOpener } from '../dify/files/opener.ts';
import { createFileUploader } from '../dify/files/upload.ts';
import { createInvoker } from '../dify/inner/invoker.ts';
import type { DifyHttp } from '../dify/wire/http.ts';
import type { Logger } from '../model/logger.ts';
import { defaultMemoryBytes, MemoryBudget } from '../model/memory-budget.ts';
import type { FileSource } from '../model/registry.ts';
import { createInputs } from './file-inputs.ts';
import type { BridgeFiles } from './files.ts';

export interface CallParts {
  readonly http: DifyHttp;
  readonly connection: DifyConnection;
  /** Absent without console credentials. */
  readonly difyConsole: DifyConsole | undefined;
  readonly files: BridgeFiles;
  /** The ways in which callers may pass a file. */
  readonly sources: readonly FileSource[];
  readonly logger: Logger;
  /** See `CallerOptions`. */
  readonly onStale?: (() => void) | undefined;
}

export function openCaller(config: Config, parts: CallParts, results: ToolResults): Caller {
  const { http, connection, difyConsole, files, sources, logger, onStale } = parts;
  const { workspaceId: tenantId, innerApiKey, userId } = connection;
  const { timeout, maxConcurrent, maxQueued, maxFrameBytes, maxAnswerBytes } = config.calls;
  const { maxMemoryBytes = defaultMemoryBytes() } = config.calls;
  const uploader = createFileUploader(http, { innerApiKey, tenantId });
  return new Caller({
    invoker: createInvoker(http, {
      innerApiKey,
      tenantId,
      consoleHeaders: difyConsole?.headers,
      maxFrameBytes,
      maxAnswerBytes,
    }),
    files: createInputs(config, { uploader, kept: files, sources }),
    results,
    userId,
    timeoutMs: timeout,
    maxConcurrent,
    maxQueued,
    onStale,
    memory: new MemoryBudget(maxMemoryBytes),
    logger,
  });
}

/** Returns the converter from Dify's messages to results. */
export function openResults(config: Config, { http, connection, files, logger }: CallParts): ToolResults {
  const { workspaceId: tenantId, innerApiKey, secretKey } = connection;
  return new ToolResults({
    opener: createFileOpener(http, { innerApiKey, tenantId, secretKey }),
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
