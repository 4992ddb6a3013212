import type { CallObserver } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import { asBridgeError, type BridgeError, type ErrorCode } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { ToolInvokeMessage } from '../model/message.ts';
import type { FileFetcher } from '../model/ports.ts';
import type { PublishedTool } from '../model/registry.ts';
import { type Collector, createCollector } from './collector.ts';
import { createDownloads } from './downloads.ts';
import { createAnnouncer } from './progress.ts';
import { assembleResult } from './result-assembly.ts';

export interface ResultOptions {
  readonly fetcher: FileFetcher;
  /** Larger files are a line of text. Bytes. */
  readonly maxFileBytes: number;
  readonly logger: Logger;
}

/** The call that a result belongs to. */
export interface ResultContext {
  readonly tool: PublishedTool;
  readonly signal: AbortSignal;
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
  const { fetcher, maxFileBytes, logger } = options;
  return async (messages, { tool, signal, observer }) => {
    const fail = (error: unknown): BridgeError => {
      const failure = asBridgeError(error);
      if (failure.code === 'internal')
        logger.error('Call failed in the bridge', { tool: tool.name, err: error });
      return failure;
    };
    try {
      const downloads = createDownloads({ fetcher, maxBytes: maxFileBytes, signal, logger });
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
        collector,
        downloads,
        failure,
        outputSchema: tool.outputSchema,
        maxFileBytes,
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
