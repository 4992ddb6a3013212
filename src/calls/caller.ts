import { abortable, after } from '../model/async.ts';
import type { CallObserver } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import { argumentsError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { Logger } from '../model/logger.ts';
import type { ToolInvokeMessage } from '../model/message.ts';
import type { Invoker } from '../model/ports.ts';
import type { PublishedTool } from '../model/registry.ts';
import { Semaphore } from '../model/semaphore.ts';
import type { ToolResults } from '../content/tool-result.ts';
import { explainFailure, shuttingDown } from './call-errors.ts';
import type { FileArguments } from './file-arguments.ts';
import { type CallRequest, RunningCall } from './running-call.ts';

const CORRECT =
  "Nothing was sent to Dify. Correct the arguments as the tool's input schema says and call again.";

export interface CallerOptions {
  readonly invoker: Invoker;
  readonly files: Pick<FileArguments, 'store'>;
  readonly results: Pick<ToolResults, 'read'>;
  /** `user_id` on the wire. */
  readonly userId: string;
  /** Limit of a whole call, waiting for a slot and uploading files included. */
  readonly timeoutMs: number;
  /** Calls that run at once. */
  readonly maxConcurrent: number;
  /** Calls that wait for one to finish. */
  readonly maxQueued: number;
  readonly logger: Logger;
}

/** Makes calls: a slot, files, the one invocation, deadline and cancellation. */
export class Caller {
  readonly #options: CallerOptions;
  readonly #slots: Semaphore;
  readonly #calls = new Map<RunningCall, Promise<ToolResult>>();
  #closing = false;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#slots = new Semaphore(options.maxConcurrent, options.maxQueued);
  }

  /** Calls that hold a slot: those that upload, wait for Dify or send messages. */
  get running(): number {
    return this.#slots.running;
  }

  /** Returns the arguments of a call as Dify's parameters. Throws `invalid_arguments` with everything that is wrong. */
  check(tool: PublishedTool, args: unknown, requestId?: string): JsonObject {
    const parsed = tool.parseArguments(args);
    if (parsed.ok) return parsed.parameters;
    this.#log(tool, requestId, { outcome: 'invalid_arguments', startedAt: performance.now(), messages: 0 });
    throw argumentsError(tool.name, parsed.problems, CORRECT);
  }

  /**
   * Makes one call to its result, which is `isError` with the reason if it fails. The invocation is sent once and never
   * again; an aborted signal closes the request to Dify. Never rejects.
   */
  call(
    request: CallRequest,
    { signal, observer }: { readonly signal: AbortSignal; readonly observer?: CallObserver | undefined },
  ): Promise<ToolResult> {
    const call = new RunningCall(request, signal, this.#options.timeoutMs);
    if (this.#closing) call.abort(shuttingDown(false));
    const { tool, principal, limits } = request;
    const result = this.#options.results
      .read(this.#messages(call), { tool, principal, limits, signal, until: call.signal, observer })
      .finally(() => {
        call.finish();
        this.#calls.delete(call);
      });
    this.#calls.set(call, result);
    return result;
  }

  /** Refuses waiting calls with `shutting_down`, gives running ones `graceMs`, then ends them too. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    for (const call of this.#calls.keys()) if (!call.hasSlot) call.abort(shuttingDown(false));
    const stop = after(graceMs, () => {
      for (const call of this.#calls.keys()) call.abort(shuttingDown(call.sent));
    });
    await Promise.allSettled(this.#calls.values());
    stop();
  }

  /** The messages of one call. All work begins with the first read. */
  async *#messages(call: RunningCall): AsyncGenerator<ToolInvokeMessage, void, undefined> {
    const { tool } = call.request;
    let release: (() => void) | undefined;
    let iterator: AsyncIterator<ToolInvokeMessage> | undefined;
    try {
      release = await this.#slots.acquire(call.signal);
      call.hasSlot = true;
      // The call may have ended in the very moment in which it got its slot.
      call.signal.throwIfAborted();
      const parameters = await this.#withFiles(call);
      call.sent = true;
      const { invoker, userId } = this.#options;
      const { credentialId } = tool;
      const stream = invoker.invoke(tool.ref, parameters, { userId, credentialId, signal: call.signal });
      iterator = stream[Symbol.asyncIterator]();
      for (;;) {
        const next = await abortable(iterator.next(), call.signal);
        if (next.done === true) break;
        call.messages += 1;
        yield next.value;
        // The call may have ended while the message was read.
        call.signal.throwIfAborted();
      }
    } catch (error) {
      const failure = explainFailure(call.signal.aborted ? call.signal.reason : error, tool);
      call.outcome = failure.code;
      throw failure;
    } finally {
      release?.();
      // Its answer does not matter: the call has its outcome already.
      const close = async (): Promise<unknown> => iterator?.return?.();
      close().catch(() => undefined);
      this.#log(tool, call.request.requestId, call);
    }
  }

  /** The parameters, with each file stored in Dify. */
  async #withFiles(call: RunningCall): Promise<JsonObject> {
    const { signal, request } = call;
    const { tool, parameters, principal } = request;
    if (tool.fileParameters.length === 0) return parameters;
    return abortable(this.#options.files.store(tool, parameters, { signal, principal }), signal);
  }

  #log(
    tool: PublishedTool,
    requestId: string | undefined,
    { outcome, startedAt, messages }: Pick<RunningCall, 'outcome' | 'startedAt' | 'messages'>,
  ): void {
    this.#options.logger.info('Tool call ended', {
      requestId,
      tool: tool.name,
      providerType: tool.ref.providerType,
      outcome,
      durationMs: Math.round(performance.now() - startedAt),
      messages,
    });
  }
}
