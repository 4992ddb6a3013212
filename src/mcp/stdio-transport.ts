import type { Readable, Writable } from 'node:stream';
import { type JSONRPCMessage, type RequestId, type Transport } from '@modelcontextprotocol/server';
import { settlesWithin } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';
import { parseJson } from '../model/exact-json.ts';
import { formatSize } from '../model/format-size.ts';
import { type OutgoingMemory, UNCOUNTED } from '../model/memory-budget.ts';
import { BATCH_REVISION, cancelledId, idInUse, idOf, isRequest, messageError } from './incoming.ts';
import { LineReader } from './line-reader.ts';
import { LineWriter } from './line-writer.ts';
import { refusal } from './refusal.ts';

export interface StdioTransportOptions {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** The longest message, in bytes. A longer one ends the connection. */
  readonly maxMessageBytes: number;
  /** Counts what the client has yet to read. */
  readonly memory?: OutgoingMemory | undefined;
}

/** The answers to a batch, until all of them have come. */
interface Batch {
  readonly waiting: Set<RequestId>;
  readonly answers: unknown[];
}

/**
 * JSON-RPC messages as lines. Answers what is no message itself, and leaves it to its owner what the end of the input
 * means.
 */
export class StdioTransport implements Transport {
  onclose: Transport['onclose'];
  onerror: Transport['onerror'];
  onmessage: Transport['onmessage'];
  /** Called once when the input has ended. */
  onend: () => void = () => undefined;
  /** Why the connection had to end. */
  failure: BridgeError | undefined;
  readonly #options: StdioTransportOptions;
  readonly #lines: LineReader;
  readonly #output: LineWriter;
  /** The batch of each request that has no answer yet; undefined: it came alone. */
  readonly #unanswered = new Map<RequestId, Batch | undefined>();
  readonly #waiters = new Set<() => void>();
  #revision: string | undefined;
  #isClosed = false;

  constructor(options: StdioTransportOptions) {
    this.#options = options;
    this.#output = new LineWriter(options.stdout, options.memory ?? UNCOUNTED);
    this.#lines = new LineReader(options.maxMessageBytes, (line) => this.#receive(line));
  }

  async start(): Promise<void> {
    const { stdin, stdout } = this.#options;
    stdin.on('data', this.#onData);
    stdin.on('end', this.#onEnd);
    stdin.on('close', this.#onEnd);
    stdin.on('error', this.#onError);
    stdout.on('error', this.#onBroken);
    if (stdin.readableEnded || stdin.destroyed) setImmediate(this.#onEnd);
  }

  setProtocolVersion(revision: string): void {
    this.#revision = revision;
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) throw new Error('The stdio transport is closed.');
    const id = 'method' in message ? undefined : message.id;
    const batch = id === undefined ? undefined : this.#unanswered.get(id);
    const written = batch === undefined ? this.#output.write(message) : batch.answers.push(message);
    if (id !== undefined) await this.#settle(id);
    await written;
  }

  /** Resolves when every request has its answer or the connection has ended, after `timeoutMs` at the latest. */
  async answered(timeoutMs: number): Promise<void> {
    if (this.#unanswered.size === 0) return;
    await settlesWithin(new Promise<void>((resolve) => this.#waiters.add(resolve)), timeoutMs);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#output.flush();
    const { stdin } = this.#options;
    stdin.off('data', this.#onData);
    stdin.off('end', this.#onEnd);
    stdin.off('close', this.#onEnd);
    stdin.off('error', this.#onError);
    // The listener for a broken output stays: what was written may still fail.
    if (stdin.listenerCount('data') === 0) stdin.pause();
    this.#wake();
    this.onclose?.();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#lines.read(chunk)) return;
    const limit = formatSize(this.#options.maxMessageBytes);
    const hint = 'Pass a file by its address or path instead of its bytes.';
    this.failure = new BridgeError('body_too_large', `A message is larger than ${limit}.`, { hint });
    this.#refuse(this.failure, null);
    void this.close();
  };

  readonly #onEnd = (): void => {
    const { stdin } = this.#options;
    stdin.off('end', this.#onEnd);
    stdin.off('close', this.#onEnd);
    this.#lines.end();
    if (!this.#isClosed) this.onend();
  };

  readonly #onError = (error: Error): void => this.onerror?.(error);

  readonly #onBroken = (error: Error): void => {
    if (this.#isClosed) return;
    this.onerror?.(error);
    void this.close();
  };

  #receive(line: string): void {
    let value: unknown;
    try {
      value = parseJson(line);
    } catch (cause) {
      this.#refuse(new BridgeError('parse_error', 'The line is not valid JSON.', { cause }), null);
      return;
    }
    if (!Array.isArray(value)) return this.#accept(value);
    if (this.#revision !== BATCH_REVISION || value.length === 0) {
      const problem = value.length === 0 ? 'The batch is empty.' : 'This revision of MCP has no batches.';
      this.#refuse(new BridgeError('bad_request', problem), null);
      return;
    }
    const messages = value as unknown[];
    const batch: Batch = { waiting: new Set(), answers: [] };
    for (const message of messages) this.#accept(message, batch);
  }

  #accept(value: unknown, batch?: Batch): void {
    const error = messageError(value);
    if (error !== undefined) return this.#refuse(error, idOf(value));
    const message = value as JSONRPCMessage;
    if (isRequest(message)) {
      const { id } = message;
      if (this.#unanswered.has(id)) return this.#refuse(idInUse(id), null);
      // A subscription has its answer at the end of the connection.
      if (message.method !== 'subscriptions/listen') {
        this.#unanswered.set(id, batch);
        batch?.waiting.add(id);
      }
    }
    this.onmessage?.(message);
    // No answer follows a cancellation.
    const cancelled = cancelledId(message);
    if (cancelled !== undefined) void this.#settle(cancelled);
  }

  /** The request gets no further answer. Writes the answers to its batch if it was the last one. */
  #settle(id: RequestId): Promise<void> | undefined {
    const batch = this.#unanswered.get(id);
    this.#unanswered.delete(id);
    if (this.#unanswered.size === 0) this.#wake();
    batch?.waiting.delete(id);
    const isComplete = batch?.waiting.size === 0 && batch.answers.length > 0;
    return isComplete ? this.#output.write(batch.answers) : undefined;
  }

  #wake(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }

  #refuse(reason: BridgeError, id: RequestId | null): void {
    this.#output.write(refusal(reason, id)).catch((failed: unknown) => this.onerror?.(failed as Error));
  }
}
