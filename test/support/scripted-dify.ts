import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** A request as it arrived. */
export interface ScriptedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** The body as JSON; undefined where it is none. */
  readonly body: unknown;
  /** Resolves when the connection is gone before the answer was complete; never otherwise. */
  readonly aborted: Promise<void>;
}

/** Bytes that are sent in one piece. */
export interface ScriptedChunk {
  /** Milliseconds after the piece before it. */
  readonly afterMs?: number;
  readonly bytes: Uint8Array;
}

/** An answer, byte for byte. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Instead of `body`: sent piece by piece, the headers with the first, as Dify does. */
  readonly chunks?: readonly ScriptedChunk[];
  /** After the body: `end` unless told. `reset` drops the connection, `silence` keeps it open. */
  readonly ending?: 'end' | 'reset' | 'silence';
}

/** A server that answers as a test says, in Dify's place. */
export interface ScriptedDify extends AsyncDisposable {
  readonly url: string;
  readonly seen: readonly ScriptedRequest[];
  /** Requests that the test had no answer for; they got 599. */
  readonly unanswered: readonly string[];
}

/** Serves a loopback port; `answer` is asked for every request. */
export async function startScriptedDify(
  answer: (request: ScriptedRequest) => ScriptedAnswer | undefined,
): Promise<ScriptedDify> {
  const seen: ScriptedRequest[] = [];
  const unanswered: string[] = [];
  const server = createServer((incoming, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of incoming) parts.push(part as Buffer);
      const bytes = Buffer.concat(parts);
      const aborted = new Promise<void>((resolve) => {
        response.once('close', () => {
          if (!response.writableFinished) resolve();
        });
      });
      const { method = '', url: path = '', headers } = incoming;
      const request = { method, path, headers, bytes, body: parse(bytes), aborted };
      seen.push(request);
      const found = answer(request);
      if (found === undefined) unanswered.push(`${method} ${path} ${bytes.toString('utf8')}`);
      await send(response, found ?? { status: 599, body: 'The test has no answer for this.' });
    })();
  });
  // As Dify's gunicorn, which closes idle connections early.
  server.keepAliveTimeout = 2000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    unanswered,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function send(response: ServerResponse, answer: ScriptedAnswer): Promise<void> {
  const { status = 200, headers = {}, chunks, body, ending = 'end' } = answer;
  const all: readonly ScriptedChunk[] =
    chunks ?? (body === undefined ? [] : [{ bytes: Buffer.from(body as Uint8Array) }]);
  response.on('error', () => undefined);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status;
  for (const { afterMs = 0, bytes } of all) {
    if (afterMs > 0) await sleep(afterMs);
    if (response.destroyed) return;
    response.write(bytes);
    // Two turns, so that each piece is a packet of its own.
    await nextTurn();
    await nextTurn();
  }
  if (ending === 'reset') response.destroy();
  else if (ending === 'end') response.end();
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** An answer in JSON, with the headers that all of Dify's answers have. */
export function jsonAnswer(json: unknown, status = 200, version = '1.12.1'): ScriptedAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-version': version, 'x-env': 'PRODUCTION' },
    body: JSON.stringify(json),
  };
}
