import type { Writable } from 'node:stream';
import {
  type JSONRPCMessage,
  type JSONRPCResultResponse,
  parseJSONRPCMessage,
} from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { parseJson } from '../model/exact-json.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import { LineReader } from './line-reader.ts';

/** The SDK's own limit, in bytes. */
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/** The result of a tools/list as bytes. */
interface WrittenList {
  readonly tools: unknown;
  /** The other members of the result, as JSON. */
  readonly rest: string;
  readonly bytes: Buffer;
}

/**
 * The SDK's transport, changed to read numbers with all their digits and each byte once, to write well-formed JSON, and
 * the JSON of one list only once.
 */
export class StdioTransport extends StdioServerTransport {
  readonly #stdout: Writable;
  #isClosed = false;
  #list: WrittenList | undefined;

  constructor(...options: ConstructorParameters<typeof StdioServerTransport>) {
    super(...options);
    this.#stdout = options[1] ?? process.stdout;
    const maxBytes = options[2]?.maxBufferSize ?? MAX_MESSAGE_BYTES;
    const lines = new LineReader(maxBytes, (line) => this.#receive(line));
    this._ondata = (chunk) => {
      if (lines.read(chunk)) return;
      this.onerror?.(new Error(`A message is larger than ${maxBytes} bytes.`));
      void this.close();
    };
  }

  #receive(line: string): void {
    try {
      this.onmessage?.(parseJSONRPCMessage(parseJson(line)));
    } catch (error) {
      // As in the SDK, a line that is not JSON is skipped.
      if (!(error instanceof SyntaxError)) this.onerror?.(error as Error);
    }
  }

  override send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('The stdio transport is closed.'));
    return new Promise((resolve, reject) => {
      const parts = this.#partsOf(message);
      const last = parts.pop() ?? '';
      this.#stdout.cork();
      for (const part of parts) this.#stdout.write(part);
      this.#stdout.write(last, (error) => (error ? reject(error) : resolve()));
      this.#stdout.uncork();
    });
  }

  override close(): Promise<void> {
    this.#isClosed = true;
    return super.close();
  }

  /** Returns the line of a message, in parts. */
  #partsOf(message: JSONRPCMessage): (string | Buffer)[] {
    if (!('result' in message) || !isFrozenList(message.result['tools']))
      return [`${wellFormedJson(message)}\n`];
    const { result, ...envelope } = message;
    return ['{"result":', this.#listBytes(result), `,${wellFormedJson(envelope).slice(1)}\n`];
  }

  #listBytes(result: JSONRPCResultResponse['result']): Buffer {
    const { tools, ...others } = result;
    const rest = JSON.stringify(others);
    if (this.#list?.tools === tools && this.#list?.rest === rest) return this.#list.bytes;
    const bytes = Buffer.from(wellFormedJson(result));
    this.#list = { tools, rest, bytes };
    return bytes;
  }
}

/** Whether a value is a list that cannot change, so that its JSON stays the same. */
function isFrozenList(value: unknown): boolean {
  return Array.isArray(value) && Object.isFrozen(value);
}
