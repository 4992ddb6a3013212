import type {
  CallToolRequest,
  CallToolResult,
  Implementation,
  ServerContext,
} from '@modelcontextprotocol/server';
import type { CallOutcome, ToolService, Waiting } from '../model/call.ts';
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

/** Answers tools/call. */
export class ToolsCall {
  readonly #options: ToolsCallOptions;

  constructor(options: ToolsCallOptions) {
    this.#options = options;
  }

  /**
   * Resolves with a result that the model can read, also for most errors. Rejects with a ProtocolError for errors whose
   * rule says so, such as an unknown tool.
   */
  async answer(
    request: CallToolRequest,
    context: ServerContext,
    { vocabulary, client, protocolVersion }: CallerFacts,
  ): Promise<CallToolResult> {
    const { name, arguments: args = {} } = request.params;
    const { signal } = context.mcpReq;
    const origin = originOf(context, client, protocolVersion);
    const { progressIntervalMs } = this.#options;
    const reporter = createCallReporter(name, context, { progressIntervalMs, vocabulary });
    try {
      const idempotencyKey = idempotencyKeyOf(context.mcpReq._meta);
      const waiting = this.#waitingOf(context);
      const { observer } = reporter;
      const principal = principalOf(context);
      const call = { signal, observer, origin, principal, idempotencyKey, waiting };
      const outcome = await this.#options.service.callTool(name, args, call);
      return this.#answerOf(name, outcome, waiting, vocabulary);
    } catch (thrown) {
      const error = asBridgeError(thrown);
      if (error.rule.mcp === 'protocol') throw protocolError(error);
      if (error.code === 'internal' && !signal.aborted) {
        this.#options.logger.error('A tool call failed unexpectedly', {
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
  #waitingOf(context: ServerContext): Waiting {
    if (this.#options.service.detached !== undefined && understandsTasks(context)) return 'task';
    return context.mcpReq._meta?.progressToken === undefined ? 'plain' : 'progress';
  }

  /** Returns the answer to the client: the result, or the task that the call became. */
  #answerOf(name: string, outcome: CallOutcome, waiting: Waiting, vocabulary: Vocabulary): CallToolResult {
    const { tools: list, detached } = this.#options.service;
    if (outcome.kind === 'result') return toCallToolResult(outcome.result, vocabulary, { name, list });
    if (waiting !== 'task' || detached === undefined)
      return toCallToolResult(outcome.notice, vocabulary, { name, list });
    return taskResult(outcome.state, detached.keepMs) as CallToolResult;
  }
}
