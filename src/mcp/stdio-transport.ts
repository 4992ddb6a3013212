import type { Writable } from 'node:stream';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { wellFormedJson } from '../model/well-formed.ts';

/** The SDK's transport, changed to write well-formed JSON. */
export class StdioTransport extends StdioServerTransport {
  readonly #stdout: Writable;
  #isClosed = false;

  constructor(...options: ConstructorParameters<typeof StdioServerTransport>) {
    super(...options);
    this.#stdout = options[1] ?? process.stdout;
  }

  override send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('The stdio transport is closed.'));
    return new Promise((resolve, reject) => {
      this.#stdout.write(`${wellFormedJson(message)}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }

  override close(): Promise<void> {
    this.#isClosed = true;
    return super.close();
  }
}
