import { type BridgeError, type ErrorCode } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { Logger } from '../model/logger.ts';
import type { ToolInvokeMessage } from '../model/message.ts';
import type { Invoker } from '../model/ports.ts';
import type { PublishedTool } from '../model/registry.ts';
import { createBulkhead } from './semaphore.ts';
import {
  cancelled,
  deadlineExceeded,
  explainFailure,
  invalidArguments,
  shuttingDown,
} from './call-errors.ts';
import { type CallScope, createCallScope } from './call-scope.ts';
import type { FileArguments } from './file-arguments.ts';

/** The longest delay that a timer takes; longer ones would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface CallerOptions {
  readonly invoker: Invoker;
  readonly files: FileArguments;
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

/** What accompanies one call. */
export interface StartOptions {
  /** Ends the call. */
  readonly signal: AbortSignal;
  /** Names the call in the log. */
  readonly requestId?: string;
  /** Whose call it is. */
  readonly principal?: string;
}

/** Makes calls: arguments, limits, deadline, cancellation, and the one invocation. */
export interface Caller {
  /**
   * The messages of one call. All work begins with the first read, so a call that nobody reads costs nothing.
   * Reading throws BridgeErrors: `invalid_arguments`, `busy`, `cancelled`, `deadline_exceeded`,
   * `shutting_down`, `provider_unauthorized` and whatever the files and the invoker throw. The invocation is sent
   * once and never again. Leaving the loop early closes the request to Dify.
   */
  start(tool: PublishedTool, args: unknown, options: StartOptions): AsyncIterable<ToolInvokeMessage>;
  /**
   * Does what a call needs besides its messages, such as fetching the files that they name. `until` is aborted with the
   * signal, after the limit of a whole call, and where `close` ends what still runs.
   */
  follow<T>(signal: AbortSignal, work: (until: AbortSignal) => Promise<T>): Promise<T>;
  /** Calls that hold a slot: those that upload, wait for Dify or send messages. */
  readonly running: number;
  /**
   * Refuses new and waiting calls with `shutting_down`, gives running ones and what follows them `graceMs`, then ends
   * them with the same error. Resolves when none is left.
   */
  close(graceMs: number): Promise<void>;
}

/** One call on its way. */
interface Call {
  readonly scope: CallScope;
  /** It holds a slot. */
  running: boolean;
  /** The invocation was handed to the invoker. */
  sent: boolean;
  messages: number;
  outcome: ErrorCode | 'ok';
}

export function createCaller(options: CallerOptions): Caller {
  const { invoker, files, userId, timeoutMs, logger } = options;
  const bulkhead = createBulkhead(options.maxConcurrent, options.maxQueued);
  const calls = new Set<Call>();
  const followed = new Set<CallScope>();
  const idle = new Set<() => void>();
  let closing = false;

  function settle(): void {
    if (calls.size + followed.size === 0) for (const resolve of idle) resolve();
  }

  /** A call with everything that has to be undone at its end already arranged. */
  function open(tool: PublishedTool, { signal, requestId }: StartOptions): Call {
    const call: Call = { scope: createCallScope(), running: false, sent: false, messages: 0, outcome: 'ok' };
    const startedAt = performance.now();
    calls.add(call);
    call.scope.defer(() => {
      calls.delete(call);
      logger.info('Tool call ended', {
        ...(requestId === undefined ? {} : { requestId }),
        tool: tool.name,
        providerType: tool.ref.providerType,
        outcome: call.outcome,
        durationMs: Math.round(performance.now() - startedAt),
        messages: call.messages,
      });
      settle();
    });

    const onDeadline = (): void => end(call, deadlineExceeded(timeoutMs, call.sent));
    const timer = setTimeout(onDeadline, Math.min(timeoutMs, MAX_TIMER_MS));
    call.scope.defer(() => clearTimeout(timer));

    const onCancel = (): void => end(call, cancelled(call.sent));
    signal.addEventListener('abort', onCancel, { once: true });
    call.scope.defer(() => signal.removeEventListener('abort', onCancel));

    if (closing) end(call, shuttingDown(false));
    else if (signal.aborted) onCancel();
    return call;
  }

  function end(call: Call, reason: BridgeError): void {
    if (call.outcome === 'ok') call.outcome = reason.code;
    call.scope.abort(reason);
  }

  /** Checked arguments, a slot, stored files: everything before the invocation. */
  async function prepare(
    call: Call,
    tool: PublishedTool,
    args: unknown,
    principal: string | undefined,
  ): Promise<JsonObject> {
    const parsed = tool.parseArguments(args);
    if (!parsed.ok) throw invalidArguments(tool, parsed.problems);

    const { scope } = call;
    const release = await bulkhead.acquire(scope.signal);
    call.running = true;
    scope.defer(release);
    // The call may have ended in the very moment in which it got its slot.
    scope.signal.throwIfAborted();
    if (tool.fileParameters.length === 0) return parsed.parameters;
    return scope.race(files.store(tool, parsed.parameters, { signal: scope.signal, principal }));
  }

  async function* messagesOf(
    tool: PublishedTool,
    args: unknown,
    options: StartOptions,
  ): AsyncGenerator<ToolInvokeMessage, void, undefined> {
    const call = open(tool, options);
    const { scope } = call;
    let left = true;
    try {
      scope.signal.throwIfAborted();
      const parameters = await prepare(call, tool, args, options.principal);
      call.sent = true;
      const { credentialId } = tool;
      const stream = invoker.invoke(tool.ref, parameters, {
        userId,
        signal: scope.signal,
        ...(credentialId === undefined ? {} : { credentialId }),
      });
      const iterator = stream[Symbol.asyncIterator]();
      scope.defer(() => void closeQuietly(iterator));
      for (;;) {
        const next = await scope.race(iterator.next());
        if (next.done === true) break;
        call.messages += 1;
        yield next.value;
        // Reading goes on: whatever ended the call meanwhile has to be said.
        scope.signal.throwIfAborted();
      }
      left = false;
    } catch (error) {
      left = false;
      if (scope.signal.aborted) throw scope.signal.reason;
      const failure = explainFailure(error, tool);
      call.outcome = failure.code;
      throw failure;
    } finally {
      if (left) end(call, cancelled(call.sent));
      scope.finish();
    }
  }

  async function follow<T>(signal: AbortSignal, work: (until: AbortSignal) => Promise<T>): Promise<T> {
    const scope = createCallScope();
    followed.add(scope);
    scope.defer(() => {
      followed.delete(scope);
      settle();
    });
    const onDeadline = (): void => scope.abort(deadlineExceeded(timeoutMs, true));
    const timer = setTimeout(onDeadline, Math.min(timeoutMs, MAX_TIMER_MS));
    scope.defer(() => clearTimeout(timer));
    const onCancel = (): void => scope.abort(cancelled(true));
    signal.addEventListener('abort', onCancel, { once: true });
    scope.defer(() => signal.removeEventListener('abort', onCancel));
    if (signal.aborted) onCancel();
    try {
      return await work(scope.signal);
    } finally {
      scope.finish();
    }
  }

  return {
    start: messagesOf,
    follow,
    get running() {
      return bulkhead.running;
    },
    async close(graceMs) {
      closing = true;
      for (const call of calls) if (!call.running) end(call, shuttingDown(false));
      if (calls.size + followed.size === 0) return;
      const ended = new Promise<void>((resolve) => idle.add(resolve));
      const timer = setTimeout(
        () => {
          for (const call of calls) end(call, shuttingDown(call.sent));
          for (const scope of followed) scope.abort(shuttingDown(true));
        },
        Math.min(graceMs, MAX_TIMER_MS),
      );
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Tells a stream that nobody reads it any more. What it says to that interests nobody either. */
async function closeQuietly(iterator: AsyncIterator<ToolInvokeMessage>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // The call has its outcome already.
  }
}
