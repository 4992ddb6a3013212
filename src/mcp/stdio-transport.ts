import type { Writable } from 'node:stream';
import type { JSONRPCMessage, ListToolsResult } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { wellFormedJson } from '../model/well-formed.ts';
import { listJson } from './list-json.ts';

/**
 * The SDK's transport, but for how messages are written: as well-formed JSON, and that of a list of tools is made
 * once.
 */
export class StdioTransport extends StdioServerTransport {
  readonly #stdout: Writable;
  #isClosed = false;

  constructor(...options: ConstructorParameters<typeof StdioServerTransport>) {
    super(...options);
    this.#stdout = options[1] ?? process.stdout;
  }

  override send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('The stdio transport is closed.'));
    const parts = listLine(message) ?? [`${wellFormedJson(message)}\n`];
    return new Promise((resolve, reject) => {
      const onWritten = (error?: Error | null): void => (error ? reject(error) : resolve());
      this.#stdout.cork();
      for (const part of parts.slice(0, -1)) this.#stdout.write(part);
      this.#stdout.write(parts.at(-1), onWritten);
      this.#stdout.uncork();
    });
  }

  override close(): Promise<void> {
    this.#isClosed = true;
    return super.close();
  }
}

/** The line of a message whose result has tools, in parts; undefined for every other message. */
function listLine(message: JSONRPCMessage): readonly (string | Buffer)[] | undefined {
  if (!('result' in message)) return undefined;
  const { result, ...envelope } = message;
  const { tools, ...beside } = result;
  if (!Array.isArray(tools) || !Object.isFrozen(tools)) return undefined;
  const start = wellFormedJson({ ...envelope, result: beside }).slice(0, -2);
  const comma = Object.keys(beside).length === 0 ? '' : ',';
  return [`${start}${comma}"tools":`, ...listJson(tools as ListToolsResult['tools']), '}}\n'];
}
