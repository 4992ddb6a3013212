import { randomUUID } from 'node:crypto';
import type { CallToolRequest, CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import type { CallTool } from '../model/call.ts';
import { asBridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { createCallReporter } from './call-reporter.ts';
import { protocolError } from './protocol-error.ts';

export interface ToolsCallOptions {
  readonly callTool: CallTool;
  readonly logger: Logger;
  /** The longest silence towards a client that asked for progress, in milliseconds. */
  readonly progressIntervalMs: number;
}

/**
 * Answers tools/call. Whatever goes wrong is a result that the model can read; only errors whose rule says so,
 * such as an unknown tool, become JSON-RPC errors.
 */
export function createToolsCall({ callTool, logger, progressIntervalMs }: ToolsCallOptions) {
  return async (request: CallToolRequest, context: ServerContext): Promise<CallToolResult> => {
    const { name, arguments: args = {} } = request.params;
    const { signal } = context.mcpReq;
    const requestId = randomUUID();
    const reporter = createCallReporter(name, context, progressIntervalMs);
    try {
      const result = await callTool(name, args, { signal, observer: reporter.observer, requestId });
      // A ToolResult is a CallToolResult whose arrays are read-only.
      return result as CallToolResult;
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
