import { randomUUID } from 'node:crypto';
import type { CallToolRequest, CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import type { CallTool, Waiting } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import { asBridgeError } from '../model/errors.ts';
import type { DetachedCalls } from '../model/task.ts';
import type { Logger } from '../model/logger.ts';
import { createCallReporter } from './call-reporter.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import { protocolError } from './protocol-error.ts';
import { taskResult, understandsTasks } from './tasks.ts';
import { toCallToolResult, type Vocabulary } from './vocabulary.ts';

export interface ToolsCallOptions {
  readonly callTool: CallTool;
  /** Where calls that became tasks are found; without it, none do. */
  readonly detached?: DetachedCalls | undefined;
  readonly logger: Logger;
  /** The longest silence towards a client that asked for progress, in milliseconds. */
  readonly progressIntervalMs: number;
}

/** The caller of a tool. */
export interface CallerFacts {
  readonly principal: string;
  /** What its client understands. */
  readonly vocabulary: Vocabulary;
}

/**
 * Answers tools/call. Whatever goes wrong is a result that the model can read; only errors whose rule says so,
 * such as an unknown tool, become JSON-RPC errors.
 */
export function createToolsCall({ callTool, detached, logger, progressIntervalMs }: ToolsCallOptions) {
  /** How the client waits: one that asked for progress restarts its time limit at each, as far as can be known. */
  function waitingOf(context: ServerContext): Waiting {
    if (detached !== undefined && understandsTasks(context)) return 'task';
    return context.mcpReq._meta?.progressToken === undefined ? 'plain' : 'progress';
  }

  /** What goes to the client: the result, or the task that the call became. */
  function answerOf(result: ToolResult, waiting: Waiting, vocabulary: Vocabulary): CallToolResult {
    const { handedOff } = result;
    if (handedOff === undefined || detached === undefined || waiting !== 'task')
      return toCallToolResult(result, vocabulary);
    return taskResult(handedOff, detached.keepMs) as CallToolResult;
  }

  return async (
    request: CallToolRequest,
    context: ServerContext,
    { principal, vocabulary }: CallerFacts,
  ): Promise<CallToolResult> => {
    const { name, arguments: args = {} } = request.params;
    const { signal } = context.mcpReq;
    const requestId = randomUUID();
    const reporter = createCallReporter(name, context, { progressIntervalMs, vocabulary });
    try {
      const idempotencyKey = idempotencyKeyOf(context.mcpReq._meta);
      const waiting = waitingOf(context);
      const result = await callTool(name, args, {
        signal,
        observer: reporter.observer,
        requestId,
        principal,
        waiting,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      });
      return answerOf(result, waiting, vocabulary);
    } catch (thrown) {
      const error = asBridgeError(thrown);
      if (error.rule.mcp === 'protocol') throw protocolError(error);
      if (error.code === 'internal' && !signal.aborted) {
        logger.error('A tool call failed unexpectedly', {
          requestId,
          tool: name,
          error: error.cause ?? error,
        });
      }
      const text = error.code === 'internal' ? `${error.toText()}\nRequest id: ${requestId}` : error.toText();
      return { isError: true, content: [{ type: 'text', text }] };
    } finally {
      await reporter.end();
    }
  };
}
