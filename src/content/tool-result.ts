import type { CallObserver } from '../model/call.ts';
import type { ResultLimits, ToolResult } from '../model/content.ts';
import { asBridgeError, type BridgeError, type ErrorCode } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { ToolInvokeMessage } from '../model/message.ts';
import type { FileOpener } from '../model/ports.ts';
import type { PublishedTool } from '../model/registry.ts';
import type { FileAccessOf, FileStore } from '../model/stored-file.ts';
import { type Collector, createCollector } from './collector.ts';
import { createDownloads } from './downloads.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import { createAnnouncer } from './progress.ts';
import { assembleResult } from './result-assembly.ts';

export interface ResultOptions {
  readonly opener: FileOpener;
  /** Keeps what a result only links to. */
  readonly store: FileStore;
  readonly accessOf: FileAccessOf;
  /** Bytes of the largest file that is kept. */
  readonly maxOutputBytes: number;
  readonly logger: Logger;
}

/** The call that a result belongs to. */
export interface ResultContext {
  readonly tool: PublishedTool;
  /** Whose files they are. */
  readonly principal: string;
  /** Those of the view; what the tool's own preset says comes first. */
  readonly limits: ResultLimits;
  readonly signal: AbortSignal;
  /** Ends the fetching of files, which may go on after the last message; `signal` unless given. */
  readonly until?: AbortSignal;
  readonly observer?: CallObserver;
}

/** Turns the messages of a call into its result. Never rejects: what the stream throws becomes `isError`. */
export type ToToolResult = (
  messages: AsyncIterable<ToolInvokeMessage>,
  context: ResultContext,
) => Promise<ToolResult>;

/** After these nobody waits for files any more. */
const ENDED_FROM_OUTSIDE: readonly ErrorCode[] = ['cancelled', 'deadline_exceeded', 'shutting_down'];

/**
 * Reads the messages of a call to their end and makes the result that an MCP client gets.
 *
 * Files are fetched while the stream runs. An error comes first in the result, with what the tool had sent
 * before it behind: clients cut long error texts at the end, and some show the first block only. Log messages go
 * to the observer's `log`, everything else is announced to its `progress` at most four times a second.
 */
export function createToToolResult(options: ResultOptions): ToToolResult {
  const { opener, store, accessOf, maxOutputBytes: maxBytes, logger } = options;
  return async (messages, { tool, principal, signal, until = signal, observer, ...context }) => {
    const limits = { ...context.limits, ...tool.results };
    const keeperFor = (ends: AbortSignal): Keeper =>
      createKeeper({ store, accessOf, principal, maxBytes, signal: ends, logger });
    const fail = (error: unknown): BridgeError => {
      const failure = asBridgeError(error);
      if (failure.code === 'internal')
        logger.error('Call failed in the bridge', { tool: tool.name, err: error });
      return failure;
    };
    try {
      const downloads = createDownloads({ opener, keeperFor, limits, signal: until, logger });
      const collector = createCollector(downloads);
      const announcer = createAnnouncer(observer);
      let failure: BridgeError | undefined;
      try {
        for await (const message of messages) {
          if (message.type === 'log') announcer.log(message.log);
          else announcer.output();
          collector.add(message);
        }
      } catch (error) {
        failure = fail(error);
        announcer.failed(failure);
        if (ENDED_FROM_OUTSIDE.includes(failure.code)) downloads.abandon();
      }
      warnOfUnknown(collector, tool, logger);
      return await assembleResult({
        tool: tool.name,
        collector,
        downloads,
        keeper: keeperFor(signal),
        limits,
        failure,
        outputSchema: tool.outputSchema,
      });
    } catch (error) {
      return { content: [{ type: 'text', text: fail(error).toText() }], isError: true };
    }
  };
}

function warnOfUnknown({ unknownTypes }: Collector, tool: PublishedTool, logger: Logger): void {
  if (unknownTypes.size === 0) return;
  logger.warn('Tool sent messages of unknown types', {
    tool: tool.name,
    types: Object.fromEntries(unknownTypes),
  });
}
