import type {
  CallToolRequest,
  CallToolResult,
  Implementation,
  ServerContext,
} from '@modelcontextprotocol/server';
import type { ToolService, Waiting } from '../model/call.ts';
import { asBridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { originOf, principalOf } from './call-origin.ts';
import { createCallReporter } from './call-reporter.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import { protocolError } from './protocol-error.ts';
import { taskResult, understandsTasks } from './tasks.ts';
import { toCallToolResult, type Vocabulary } from './vocabulary.ts';

export interface ToolsCallOptions {
  readonly service: ToolService;
  readonly logger: Logger;
  /** The longest time without a message to a client that asked for progress, in milliseconds. */
  readonly progressIntervalMs: number;
}

/** The client of a call. */
export interface CallerFacts {
  /** The vocabulary of the caller's client. */
  readonly vocabulary: Vocabulary;
  /** What the client's `initialize` said about it. */
  readonly client: Implementation | undefined;
  /** The negotiated revision. */
  readonly protocolVersion: string | undefined;
}

/**
 * Answers tools/call: resolves with a result that the model can read, also for most errors. Rejects with a ProtocolError
 * for errors whose rule says so, such as an unknown tool.
 */
export async function answerToolsCall(
  { service, logger, progressIntervalMs }: ToolsCallOptions,
  request: CallToolRequest,
  context: ServerContext,
  { vocabulary, client, protocolVersion }: CallerFacts,
): Promise<CallToolResult> {
  const { name, arguments: args = {} } = request.params;
  const { signal } = context.mcpReq;
  const origin = originOf(context, client, protocolVersion);
  const reporter = createCallReporter(name, context, { progressIntervalMs, vocabulary });
  try {
    const idempotencyKey = idempotencyKeyOf(context.mcpReq._meta);
    const waiting = waitingOf(service, context);
    const { observer } = reporter;
    const call = { signal, observer, origin, principal: principalOf(context), idempotencyKey, waiting };
    const outcome = await service.callTool(name, args, call);
    const { tools: list, detached } = service;
    if (outcome.kind === 'running' && waiting === 'task' && detached !== undefined)
      return taskResult(outcome.state, detached.keepMs) as CallToolResult;
    const result = outcome.kind === 'result' ? outcome.result : outcome.notice;
    return toCallToolResult(result, vocabulary, { name, list });
  } catch (thrown) {
    const error = asBridgeError(thrown);
    if (error.rule.mcp === 'protocol') throw protocolError(error);
    if (error.code === 'internal' && !signal.aborted) {
      logger.error('A tool call failed unexpectedly', {
        ...origin,
        rpc: undefined,
        tool: name,
        error: error.cause ?? error,
      });
    }
    const text =
      error.code === 'internal' ? `${error.toText()}\nRequest ID: ${origin.requestId}` : error.toText();
    return { isError: true, content: [{ type: 'text', text }] };
  } finally {
    await reporter.end();
  }
}

/** Returns how the client waits. Assumes that a client that asked for progress restarts its time limit at each. */
function waitingOf({ detached }: ToolService, context: ServerContext): Waiting {
  if (detached !== undefined && understandsTasks(context)) return 'task';
  return context.mcpReq._meta?.progressToken === undefined ? 'plain' : 'progress';
}
