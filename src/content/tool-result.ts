import type { CallObserver } from '../model/call.ts';
import type { CallRecord } from '../model/call-record.ts';
import { errorResult, type ResultLimits, type ToolResult } from '../model/content.ts';
import { asBridgeError, type BridgeError, type ErrorCode } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { type MemoryLease, UNLIMITED } from '../model/memory-budget.ts';
import type { ToolInvokeMessage } from '../model/message.ts';
import type { FileOpener } from '../model/ports.ts';
import type { PublishedTool } from '../model/registry.ts';
import type { FileAccessOf, FileStore } from '../model/stored-file.ts';
import { Collector } from './collector.ts';
import { Downloads } from './downloads.ts';
import { createAnnouncer } from './progress.ts';
import { assembleResult } from './result-assembly.ts';
import { ResultStore } from './result-store.ts';

export interface ToolResultsOptions {
  readonly opener: FileOpener;
  readonly store: FileStore;
  readonly accessOf: FileAccessOf;
  /** The size of the largest file to store, in bytes. */
  readonly maxOutputBytes: number;
  readonly logger: Logger;
}

/** The call to which a result belongs. */
export interface ResultContext {
  readonly tool: PublishedTool;
  /** The owner of the files. */
  readonly principal: string;
  /** The limits of the view. Those of the tool's preset override them. */
  readonly limits: ResultLimits;
  /** Ends the downloads, which may continue after the last message. */
  readonly signal: AbortSignal;
  readonly observer?: CallObserver | undefined;
  readonly record?: Pick<CallRecord, 'truncated'> | undefined;
  /** Receives the memory of JSON that texts contain; unlimited when absent. */
  readonly memory?: MemoryLease | undefined;
}

/** Errors after which no caller waits for files. */
const ENDED_FROM_OUTSIDE: readonly ErrorCode[] = ['cancelled', 'deadline_exceeded', 'shutting_down'];

/** Converts the messages of calls into results. */
export class ToolResults {
  /** The size of the largest file to store, in bytes. May change at any time. */
  maxOutputBytes: number;
  readonly #options: ToolResultsOptions;

  constructor(options: ToolResultsOptions) {
    this.maxOutputBytes = options.maxOutputBytes;
    this.#options = options;
  }

  /**
   * Returns what makes the result of one call. Log messages go to the observer's `log`; its `progress` reports text and
   * the number of other messages at most four times a second.
   */
  begin(context: ResultContext): ResultBuilder {
    const { tool, signal, observer, record, memory = UNLIMITED } = context;
    const { opener, logger } = this.#options;
    const limits = tool.results === undefined ? context.limits : { ...context.limits, ...tool.results };
    const storeFor = (ends: AbortSignal): ResultStore => this.#storeFor(context.principal, ends);
    const downloads = new Downloads({ opener, storeFor, limits, signal, logger });
    const collector = new Collector(downloads, tool.name);
    const announcer = createAnnouncer(observer);
    let failure: BridgeError | undefined;
    return {
      add(message) {
        if (message.type === 'log') announcer.step(message.log);
        else if (message.type === 'progress') announcer.text(message.text);
        else announcer.output();
        collector.add(message);
      },
      fail: (error) => {
        failure = error;
        this.#logIfInternal(error, tool);
        announcer.failed(error);
        if (ENDED_FROM_OUTSIDE.includes(error.code)) downloads.abandon();
      },
      end: async () => {
        announcer.end();
        if (collector.unknownTypes.size > 0) {
          const types = Object.fromEntries(collector.unknownTypes);
          logger.warn('Tool sent messages of unknown types', { tool: tool.name, types });
        }
        try {
          const store = storeFor(signal);
          return await assembleResult({ tool, collector, downloads, store, limits, failure, record, memory });
        } catch (thrown) {
          const error = asBridgeError(thrown);
          this.#logIfInternal(error, tool);
          return errorResult(error);
        }
      },
    };
  }

  #storeFor(principal: string, signal: AbortSignal): ResultStore {
    const { store, accessOf, logger } = this.#options;
    return new ResultStore({ store, accessOf, principal, maxBytes: this.maxOutputBytes, signal, logger });
  }

  #logIfInternal({ code, cause }: BridgeError, tool: PublishedTool): void {
    if (code === 'internal') {
      this.#options.logger.error('Call failed in the bridge', { tool: tool.name, err: cause });
    }
  }
}

/** Makes the result of one call for the MCP client, from its messages in their order. */
export interface ResultBuilder {
  /** Adds a message, and starts to fetch the file that it names. */
  add(message: ToolInvokeMessage): void;
  /**
   * The call failed. The error comes first in the result, followed by the earlier output, because clients cut long error
   * texts at the end and some show only the first block.
   */
  fail(error: BridgeError): void;
  /** Resolves with the result. Never rejects. */
  end(): Promise<ToolResult>;
}
