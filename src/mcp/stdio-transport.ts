import type { Writable } from 'node:stream';
import type { JSONRPCMessage, ListToolsResult } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { listJson } from './list-json.ts';

/** The SDK's transport, but for answers that carry a list of tools: the JSON of the list is made once. */
export class StdioTransport extends StdioServerTransport {
  readonly #stdout: Writable;

  constructor(...options: ConstructorParameters<typeof StdioServerTransport>) {
    super(...options);
    this.#stdout = options[1] ?? process.stdout;
  }

  override send(message: JSONRPCMessage): Promise<void> {
    const line = listLine(message);
    if (line === undefined) return super.send(message);
    return new Promise((resolve, reject) => {
      const { start, list, end } = line;
      this.#stdout.cork();
      for (const part of [start, ...list]) this.#stdout.write(part);
      this.#stdout.write(end, (error) => (error ? reject(error) : resolve()));
      this.#stdout.uncork();
    });
  }
}

interface ListLine {
  readonly start: string;
  readonly list: readonly Buffer[];
  readonly end: string;
}

/** The line of a message whose result has tools, in parts; undefined for every other message. */
function listLine(message: JSONRPCMessage): ListLine | undefined {
  if (!('result' in message)) return undefined;
  const { result, ...envelope } = message;
  const { tools, ...beside } = result;
  if (!Array.isArray(tools) || !Object.isFrozen(tools)) return undefined;
  const start = JSON.stringify({ ...envelope, result: beside }).slice(0, -2);
  const comma = Object.keys(beside).length === 0 ? '' : ',';
  return {
    start: `${start}${comma}"tools":`,
    list: listJson(tools as ListToolsResult['tools']),
    end: '}}\n',
  };
}
