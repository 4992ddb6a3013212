import { abortable, after, onAbort } from '../model/async.ts';
import { type CallContext, type CallObserver, LOCAL_PRINCIPAL } from '../model/call.ts';
import {
  type CallFacts,
  type CallPlace,
  type CallRecord,
  type CallRecorder,
  NO_RECORDER,
  toolFacts,
} from '../model/call-record.ts';
import { type ToolResult, withIgnored } from '../model/content.ts';
import { argumentsError, BridgeError, type ErrorCode, unauthorizedError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { ToolInvokeMessage } from '../model/message.ts';
import type { MemoryBudget } from '../model/memory-budget.ts';
import type { EndUsers, Invoker } from '../model/ports.ts';
import { throttled } from '../model/throttled.ts';
import type { PublishedTool } from '../model/registry.ts';
import { formatSize } from '../model/format-size.ts';
import { writeJson } from '../model/well-formed.ts';
import type { ResultBuilder, ToolResults } from '../content/tool-result.ts';
import { errorForOperator, explainFailure, isStale, shuttingDown } from './call-errors.ts';
import type { CallLimits, CallSlot } from './call-limits.ts';
import type { FileArguments } from './file-arguments.ts';
import { type CallRequest, RunningCall } from './running-call.ts';
import { type Silence, watchSilence } from './silence.ts';

const TOO_DEEP = {
  path: '',
  message: 'the arguments are nested too deeply: send the data as a file or a string',
};
const CORRECT = 'Nothing was sent to Dify. Correct the arguments and call again.';

export interface CallerOptions {
  readonly invoker: Invoker;
  readonly files: Pick<FileArguments, 'store'>;
  readonly results: Pick<ToolResults, 'begin'>;
  /** The `user_id` on the wire. */
  readonly userId: string;
  /** In place of it, one for each principal. */
  readonly endUsers?: EndUsers | undefined;
  /** Time limit of a call in milliseconds, including waiting for a slot and uploading files. */
  readonly timeoutMs: number;
  readonly limits: Pick<CallLimits, 'enter' | 'running'>;
  /** How long a plugin may send nothing before progress reports it, in milliseconds. Default: 60 s. */
  readonly silenceMs?: number | undefined;
  /**
   * Called after a call whose failure suggests that Dify's tools are not as they were listed, at most once in 5 s. Must
   * not throw.
   */
  readonly onStale?: (() => void) | undefined;
  /** Memory for the answers of all calls together. */
  readonly memory: Pick<MemoryBudget, 'lease'>;
  readonly place: CallPlace;
  /** Default: `NO_RECORDER`. */
  readonly recorder?: CallRecorder | undefined;
}

/** What is called: a published tool, or a name that is none. */
type RecordedTool = Pick<CallFacts, 'tool' | 'ref' | 'credentialId' | 'isBridgeTool'>;

/** Who calls, and with which arguments. */
export interface RefusedCall extends Pick<CallContext, 'origin' | 'principal'> {
  /** As the client sent them. */
  readonly args: unknown;
  /** The name of the view. */
  readonly view: string;
}

const SILENCE_MS = 60_000;
/** The shortest time between two calls of `onStale`, in milliseconds: a client may make many calls that fail. */
const STALE_MS = 5000;

export interface StartedCall {
  readonly result: Promise<ToolResult>;
  /** Ends the call, and closes its request to Dify. */
  readonly cancel: () => void;
}

/** Makes calls: takes a slot, uploads files, invokes once, and enforces deadline and cancellation. */
export class Caller {
  readonly #options: CallerOptions;
  readonly #calls = new Map<RunningCall, Promise<ToolResult>>();
  readonly #stale: () => void;
  #closing = false;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#stale = throttled(STALE_MS, () => options.onStale?.());
  }

  /** The calls that have a slot: they upload files, wait for Dify or receive messages. */
  get running(): number {
    return this.#options.limits.running;
  }

  /**
   * Returns the arguments of a call as Dify's parameters, and the names of those that are ignored.
   * @throws BridgeError `invalid_arguments` with all problems, also if the arguments have more bytes than `maxBytes` or
   * cannot be written as JSON; `provider_unauthorized` if nobody could correct them.
   */
  check(
    tool: PublishedTool,
    call: RefusedCall,
    maxBytes: number,
  ): Pick<CallRequest, 'parameters' | 'ignored'> {
    const bytes = sizeOf(call.args);
    if (bytes === undefined) {
      // The audit log could not write them either.
      this.record(toolFacts(tool), { ...call, args: undefined })('invalid_arguments');
      throw argumentsError(tool.name, [TOO_DEEP], CORRECT);
    }
    if (bytes > maxBytes) {
      this.record(toolFacts(tool), call)('invalid_arguments');
      throw argumentsTooLarge(tool.name, bytes, maxBytes);
    }
    const parsed = tool.parseArguments(call.args);
    if (parsed.ok) return { parameters: parsed.parameters, ignored: parsed.ignored };
    if (!tool.authorized) {
      // Its parameters may not be listed, so that nobody could correct the arguments. They are as soon as the list has
      // the credentials that Dify may have by now.
      this.#stale();
      throw unauthorizedError(tool.providerLabel);
    }
    this.record(toolFacts(tool), call)('invalid_arguments');
    throw argumentsError(tool.name, parsed.problems, CORRECT);
  }

  /** Records a call that is not made, because the bridge answers it. Returns what records its end. */
  record(tool: RecordedTool, call: RefusedCall): (outcome: ErrorCode | 'ok') => void {
    const startedAt = performance.now();
    const record = this.#recorded(tool, call);
    return (outcome) =>
      record.ended({ outcome, durationMs: performance.now() - startedAt, messages: 0, bytes: 0 });
  }

  #recorded(
    tool: RecordedTool,
    { args, view, origin, principal = LOCAL_PRINCIPAL }: RefusedCall,
  ): CallRecord {
    const { recorder = NO_RECORDER, place } = this.#options;
    // A spread of each part would take three times the memory.
    const { workspace, road, host } = place;
    const { tool: name, ref, credentialId, isBridgeTool } = tool;
    return recorder.started({
      workspace,
      road,
      host,
      tool: name,
      ref,
      credentialId,
      isBridgeTool,
      view,
      principal,
      origin,
      args,
    } satisfies Record<keyof CallFacts, unknown>);
  }

  /**
   * Makes one call and resolves with its result; if the call fails, the result has `isError` and the reason. Sends the
   * invocation exactly once. Aborting the signal closes the request to Dify. Never rejects.
   */
  call(
    request: CallRequest,
    { signal, observer }: { readonly signal: AbortSignal; readonly observer?: CallObserver | undefined },
  ): Promise<ToolResult> {
    const { result, cancel } = this.start(request, observer);
    return result.finally(onAbort(signal, cancel));
  }

  /** Makes one call as `call` does. */
  start(request: CallRequest, observer: CallObserver | undefined): StartedCall {
    const { invoker, memory, timeoutMs } = this.#options;
    const isStopped = invoker.stopsWorkflows === true && request.tool.ref.providerType === 'workflow';
    const call = new RunningCall(request, memory.lease(), { timeoutMs, isStopped });
    if (this.#closing) call.abort(shuttingDown(false));
    const result = this.#run(call, observer);
    this.#calls.set(call, result);
    return { result, cancel: () => call.cancel() };
  }

  async #run(call: RunningCall, observer: CallObserver | undefined): Promise<ToolResult> {
    const { results } = this.#options;
    const { tool, args, origin, principal, limits, ignored, view } = call.request;
    const { signal, memory } = call;
    const record = this.#recorded(toolFacts(tool), { args, view: view.name, origin, principal });
    const result = results.begin({ tool, principal, limits, signal, observer, record, memory });
    try {
      await this.#receive(call, result, record, observer);
      const made = await result.end();
      // A result can fail although the tool has not.
      if (made.isError === true && call.outcome === 'ok') call.outcome = 'internal';
      return withIgnored(made, ignored);
    } finally {
      call.finish();
      this.#calls.delete(call);
      record.ended(call.end());
    }
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

  /** Invokes the tool when the limits admit the call, and adds its messages to the result, or why it failed. */
  async #receive(
    call: RunningCall,
    result: ResultBuilder,
    record: CallRecord,
    observer: CallObserver | undefined,
  ): Promise<void> {
    const { tool } = call.request;
    const { invoker, endUsers, limits, silenceMs = SILENCE_MS } = this.#options;
    let slot: CallSlot | undefined;
    let failure: BridgeError | undefined;
    let silence: Silence | undefined;
    let iterator: AsyncIterator<ToolInvokeMessage> | undefined;
    try {
      slot = await limits.enter(call.request, call.signal);
      call.hasSlot = true;
      // The call may have ended while it waited for its slot.
      call.signal.throwIfAborted();
      const endUser = endUsers && (await endUsers.idOf(call.request.principal, call.signal));
      const userId = endUser ?? this.#options.userId;
      const hasFiles = tool.fileParameters.length > 0;
      const parameters = hasFiles ? await this.#withFiles(call, userId) : call.request.parameters;
      call.sent = true;
      silence = watchSilence(tool.ref, silenceMs, observer);
      const { credentialId, providerLabel, forms } = tool;
      const { signal, memory } = call;
      const exchange = { trace: record.sent?.(), received: (bytes: number) => void (call.bytes += bytes) };
      const options = { userId, credentialId, providerLabel, forms, signal, memory, exchange };
      const stream = invoker.invoke(tool.ref, parameters, options);
      iterator = stream[Symbol.asyncIterator]();
      for (;;) {
        const next = await call.interruptible(iterator.next());
        if (next.done === true) break;
        call.messages += 1;
        slot.answered();
        silence.heard();
        record.received?.(next.value);
        result.add(next.value);
      }
    } catch (error) {
      failure = explainFailure(call.signal.aborted ? call.signal.reason : error);
      call.outcome = failure.code;
      call.operatorError = errorForOperator(failure);
      if (isStale(failure, tool)) this.#stale();
      result.fail(failure);
    } finally {
      silence?.stop();
      slot?.release(failure);
      // Its answer does not matter: the call has its outcome already.
      const close = async (): Promise<unknown> => iterator?.return?.();
      close().catch(() => undefined);
    }
  }

  /** Resolves with the parameters after each file has been stored in Dify. */
  #withFiles({ signal, request }: RunningCall, userId: string): Promise<JsonObject> {
    const { tool, parameters, principal } = request;
    return abortable(this.#options.files.store(tool, parameters, { signal, principal, userId }), signal);
  }
}

/** Returns the bytes of arguments as JSON; undefined if they are nested so deeply that they cannot be written. */
function sizeOf(args: unknown): number | undefined {
  try {
    return Buffer.byteLength(writeJson(args) ?? '');
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function argumentsTooLarge(tool: string, bytes: number, maxBytes: number): BridgeError {
  const sizes = `${formatSize(bytes)}, more than ${formatSize(maxBytes)} (limits.maxArgumentBytes)`;
  return new BridgeError('invalid_arguments', `The arguments of ${tool} have ${sizes}.`, {
    hint: 'Nothing was sent to Dify. Send less, and files by their address or resource URI.',
  });
}
