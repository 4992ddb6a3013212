import type { Writable } from 'node:stream';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';

/** The JSON of lists of tools, for as long as the lists are in use. */
const listTexts = new WeakMap<object, Buffer>();

/**
 * The SDK's transport, but for answers that carry a list of tools: the JSON of a page is made once, since pages are
 * shared and never change. That of 5,000 tools is 4 MB and would take 16 ms each time.
 */
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
      this.#stdout.write(line, (error) => (error ? reject(error) : resolve()));
    });
  }
}

/** The line of a message whose result has tools; undefined for every other message. */
function listLine(message: JSONRPCMessage): Buffer | undefined {
  if (!('result' in message)) return undefined;
  const { result, ...envelope } = message;
  const { tools, ...beside } = result;
  if (!Array.isArray(tools) || !Object.isFrozen(tools)) return undefined;
  let text = listTexts.get(tools);
  if (text === undefined) {
    text = Buffer.from(JSON.stringify(tools));
    listTexts.set(tools, text);
  }
  const start = JSON.stringify({ ...envelope, result: beside }).slice(0, -2);
  const comma = Object.keys(beside).length === 0 ? '' : ',';
  return Buffer.concat([Buffer.from(`${start}${comma}"tools":`), text, Buffer.from('}}\n')]);
}
