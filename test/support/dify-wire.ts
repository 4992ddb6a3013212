import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { BridgeError } from '../../src/model/errors.ts';
import { createDifyHttp, type DifyHttp } from '../../src/dify/wire/http.ts';

export const TENANT = '11111111-2222-4333-8444-555555555555';
export const INNER_KEY = 'fake-inner-key';
export const SECRET_KEY = 'fake-secret-key';
export const FILE_ID = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';

/** A length-prefixed frame around any bytes, as Dify has them since 1.4.2. */
export function rawFrame(payload: string | Uint8Array, headerLength = 10): Buffer {
  const body = Buffer.from(payload as Uint8Array);
  const head = Buffer.alloc(4 + headerLength);
  head[0] = 0x0f;
  head.writeUInt16LE(headerLength, 2);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}

/** A good frame. */
export function frame(data: unknown): Buffer {
  return rawFrame(JSON.stringify({ data, error: '' }));
}

/** The frame that says that the tool failed. */
export function errorFrame(error: string): Buffer {
  return rawFrame(JSON.stringify({ data: null, error }));
}

/** The same frame in the format before 1.4.2. */
export function line(data: unknown, error = ''): Buffer {
  return Buffer.from(`${JSON.stringify({ data, error })}\n\n`);
}

/** The message types of Dify's inner API, each with a body as it really has it. */
export const WIRE_MESSAGES = {
  text: { type: 'text', message: { text: 'héllo 👋' }, meta: null },
  link: { type: 'link', message: { text: 'https://example.com/page' }, meta: {} },
  json: {
    type: 'json',
    message: { json_object: { a: [1, { b: null }] }, suppress_output: false },
    meta: {},
  },
  variable: {
    type: 'variable',
    message: { variable_name: 'v', variable_value: { k: [1] }, stream: false },
    meta: null,
  },
  imageLink: {
    type: 'image_link',
    message: { text: `/files/tools/${FILE_ID}.png` },
    meta: { mime_type: 'image/png', filename: 'drawing' },
  },
  binaryLink: { type: 'binary_link', message: { text: `/files/tools/${FILE_ID}.bin` }, meta: {} },
  log: {
    type: 'log',
    message: {
      id: 'L1',
      label: 'step',
      parent_id: null,
      error: null,
      status: 'start',
      data: { d: 1 },
      metadata: {},
    },
    meta: null,
  },
  resources: {
    type: 'retriever_resources',
    message: {
      retriever_resources: [
        { position: 1, dataset_name: 'manuals', document_name: null, content: 'c', title: null, score: 0.5 },
      ],
      context: 'ctx',
    },
    meta: null,
  },
} as const;

/** Bytes as an asynchronous stream of the given chunks. */
export async function* streamOf(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

/** All values of a stream. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

/** The values of a stream before the error it ends with; fails when it ends well. */
export async function collectUntilError<T>(
  stream: AsyncIterable<T>,
): Promise<{ values: T[]; error: BridgeError }> {
  const values: T[] = [];
  try {
    for await (const value of stream) values.push(value);
  } catch (error) {
    if (error instanceof BridgeError) return { values, error };
    throw error;
  }
  throw new Error('the stream ended without an error');
}

/** A server on loopback, with a connection of the bridge to it. */
export interface Loopback {
  readonly url: string;
  readonly http: DifyHttp;
  /** Sockets accepted so far, closed ones included. */
  readonly sockets: readonly Socket[];
  /** Resolves when the connection that carried the n-th request (from 0) is closed. */
  readonly closed: (request: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** Starts a server that answers each request, once its body is there, as the handler says. */
export async function loopback(handler: Handler, prefix = ''): Promise<Loopback> {
  const sockets: Socket[] = [];
  const carriers: Socket[] = [];
  const server = createServer((request, response) => {
    carriers.push(request.socket);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handler(request, response, Buffer.concat(chunks)));
  });
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`;
  const http = createDifyHttp({ baseUrl: url });
  return {
    url,
    http,
    sockets,
    async closed(request) {
      const socket = carriers[request];
      if (socket === undefined) throw new Error(`request ${request} has not arrived`);
      if (!socket.closed) await once(socket, 'close');
    },
    async close() {
      await http.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers JSON the way Dify does. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-version': '1.12.1' });
  response.end(JSON.stringify(body));
}

/** A signal that nobody aborts. */
export function idleSignal(): AbortSignal {
  return new AbortController().signal;
}
