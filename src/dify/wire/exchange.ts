import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { BridgeError } from '../../model/errors.ts';

export interface ExchangeHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface ExchangeOptions {
  /** Returns the error to throw for a failure of the connection, before or within the answer. */
  readonly explain: (failure: unknown, hasAnswer: boolean) => BridgeError;
  /** Called once, when the exchange has ended, with the status if there was an answer. */
  readonly onEnd: (status: number | undefined) => void;
  /** Called with the number of bytes of each piece of the answer's body when it is read. */
  readonly onData: (bytes: number) => void;
  /** The body of the request, if it is a stream. */
  readonly sent: Readable | undefined;
}

interface Reader {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: BridgeError) => void;
}

/** A request and its answer, read by iterating. undici's own `request` makes a Node stream, which takes longer. */
export class Exchange implements Dispatcher.DispatchHandler, AsyncIterableIterator<Uint8Array> {
  /** Resolves when the answer begins. */
  readonly head: Promise<ExchangeHead>;
  readonly #options: ExchangeOptions;
  /** Arrived and not yet read. The connection is paused meanwhile. */
  readonly #chunks: Uint8Array[] = [];
  #begin: ((head: ExchangeHead) => void) | undefined;
  #refuse: (error: BridgeError) => void = () => undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #reader: Reader | undefined;
  #failure: BridgeError | undefined;
  #hasEnded = false;
  #status: number | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.head = new Promise((resolve, reject) => {
      this.#begin = resolve;
      this.#refuse = reject;
    });
    // What fails to be read is reported by undici.
    options.sent?.on('error', () => undefined);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#hasEnded) controller.abort(new Error('The exchange has ended.'));
  }

  onResponseStart(_: unknown, status: number, headers: ExchangeHead['headers']): void {
    if (status < 200) return;
    this.#status = status;
    this.#begin?.({ status, headers });
    this.#begin = undefined;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    // undici begins again with no bytes after a pause. A pause because of them would never end.
    if (chunk.length === 0) return;
    if (this.#reader === undefined) {
      this.#chunks.push(chunk);
      controller.pause();
      return;
    }
    this.#options.onData(chunk.length);
    this.#reader.resolve({ done: false, value: chunk });
    this.#reader = undefined;
  }

  onResponseEnd(): void {
    this.#end();
  }

  onResponseError(_: unknown, failure: Error): void {
    if (!this.#hasEnded) this.#end(this.#options.explain(failure, this.#begin === undefined));
  }

  /** Ends the exchange and closes its connection. What was not read is lost. */
  abort(failure: BridgeError): void {
    if (this.#hasEnded) return;
    this.#chunks.length = 0;
    this.#end(failure);
    this.#controller?.abort(failure);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#options.onData(chunk.length);
      if (this.#chunks.length === 0) this.#controller?.resume();
      return { done: false, value: chunk };
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#hasEnded) return { done: true, value: undefined };
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  /** Closes the connection, unless the answer was complete. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    const isOver = this.#hasEnded;
    this.#chunks.length = 0;
    this.#end();
    if (!isOver) this.#controller?.abort(new Error('The answer is read no further.'));
    return { done: true, value: undefined };
  }

  #end(failure?: BridgeError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#failure = failure;
    if (failure !== undefined) {
      this.#refuse(failure);
      this.#reader?.reject(failure);
    } else this.#reader?.resolve({ done: true, value: undefined });
    this.#reader = undefined;
    this.#options.sent?.destroy();
    this.#options.onEnd(this.#status);
  }
}
