import { createInterface } from 'node:readline';
import { JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { type Started, start, type StartOptions } from './program.ts';

/** A JSON-RPC message as it came. */
export interface RawMessage {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string };
}

/** A bridge on standard input and output without a client library in between. */
export interface RawStdio extends AsyncDisposable {
  readonly process: Started;
  /** Writes bytes as they are. */
  write(text: string | Buffer): void;
  send(message: Readonly<Record<string, unknown>>): void;
  /** Sends a request and waits for its answer. */
  request(method: string, params?: Readonly<Record<string, unknown>>): Promise<RawMessage>;
  /** Waits for a message, also one that came before. Rejects when the process ends without it. */
  message(isIt: (message: RawMessage) => boolean): Promise<RawMessage>;
}

/** Starts `serve` with the arguments given. */
export function startRaw(args: readonly string[], options: StartOptions = {}): RawStdio {
  const process = start(['serve', ...args], options);
  const { child } = process;
  const messages: RawMessage[] = [];
  const waiting = new Set<() => void>();
  let over = false;
  let nextId = 1;

  const look = (): void => {
    for (const check of waiting) check();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    messages.push(JSON.parse(line) as RawMessage);
    look();
  });
  child.once('close', () => {
    over = true;
    look();
  });

  const write = (text: string | Buffer): void => void child.stdin.write(text);
  const send = (message: Readonly<Record<string, unknown>>): void =>
    write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const message: RawStdio['message'] = (isIt) =>
    new Promise((found, failed) => {
      const check = (): void => {
        const match = messages.find(isIt);
        if (match === undefined && !over) return;
        waiting.delete(check);
        if (match === undefined)
          failed(new Error(`The bridge ended without the message:\n${process.stderr}`));
        else found(match);
      };
      waiting.add(check);
      check();
    });

  return {
    process,
    write,
    send,
    message,
    request(method, params = {}) {
      const id = nextId;
      nextId += 1;
      send({ id, method, params });
      return message((candidate) => candidate.id === id && candidate.method === undefined);
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** Introduces a client of the 2025 revisions. */
export async function introduce(raw: RawStdio): Promise<RawMessage> {
  const answer = await raw.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1' },
  });
  raw.send({ method: 'notifications/initialized' });
  return answer;
}

/** The messages of a whole life on standard output. Throws for anything that is no message on a line of its own. */
export function messagesIn(stdout: string): RawMessage[] {
  if (stdout !== '' && !stdout.endsWith('\n')) {
    throw new Error(`Standard output ends inside a line: ${stdout.slice(-200)}`);
  }
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const message = JSON.parse(line) as RawMessage;
      // JSON-RPC has null where the ID of a wrong message is unknown; MCP's schema leaves it out.
      if (message.id === null) JSONRPCMessageSchema.parse({ ...message, id: undefined });
      else JSONRPCMessageSchema.parse(message);
      return message;
    });
}

/** The lines of a whole life on standard error. Throws for anything that is no line of the JSON log. */
export function logLinesIn(stderr: string): { level: string; msg: string }[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const entry = JSON.parse(line) as { level?: unknown; msg?: unknown; time?: unknown };
      if (typeof entry.level === 'string' && typeof entry.msg === 'string' && typeof entry.time === 'string')
        return { level: entry.level, msg: entry.msg };
      throw new Error(`No line of the log: ${line}`);
    });
}
