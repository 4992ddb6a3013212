import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** The part of a transport that the clients of both SDK versions use; their message types differ. */
export interface StreamTransport {
  onmessage?: (message: unknown) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  start(): Promise<void>;
  send(message: unknown): Promise<void>;
  close(): Promise<void>;
}

/**
 * The client's end of a stdio connection to a server in this process: a message a line, as between processes.
 * Closing ends the server's input, which is how a client says goodbye.
 */
export function streamTransport(ends: {
  readonly stdin: Writable;
  readonly stdout: Readable;
}): StreamTransport {
  let lines: Interface | undefined;
  const transport: StreamTransport = {
    async start() {
      lines = createInterface({ input: ends.stdout });
      lines.on('line', (line) => {
        try {
          transport.onmessage?.(JSON.parse(line));
        } catch (error) {
          transport.onerror?.(error as Error);
        }
      });
      lines.on('close', () => transport.onclose?.());
    },
    async send(message) {
      ends.stdin.write(`${JSON.stringify(message)}\n`);
    },
    async close() {
      ends.stdin.end();
      lines?.close();
    },
  };
  return transport;
}
