import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An answer in the place of the server behind. */
export interface FrontAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The headers come, and then nothing more. */
  readonly stalls?: true;
}

/** A server before another one, as a proxy, that answers some requests itself. */
export interface Front extends AsyncDisposable {
  readonly url: string;
}

/** How a front differs from the server behind it. */
export interface FrontOptions {
  /** Answers a request itself; undefined passes it on. */
  readonly answer?: (request: IncomingMessage) => FrontAnswer | undefined;
  /** Put over the headers of what the server behind answers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What one connection says of itself, and not of what it carries. */
const HOP_BY_HOP = ['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length'];

/** Starts a front on a loopback port. */
export async function startFront(target: string, options: FrontOptions): Promise<Front> {
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const own = options.answer?.(request);
      if (own !== undefined) {
        response.writeHead(own.status ?? 200, own.headers);
        if (own.stalls === true) response.flushHeaders();
        else response.end(own.body ?? '');
        return;
      }
      const headers = Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.includes(name));
      const answer = await fetch(`${target}${request.url}`, {
        method: request.method ?? 'GET',
        headers: Object.fromEntries(headers) as Record<string, string>,
        ...(parts.length === 0 ? {} : { body: Buffer.concat(parts) }),
        redirect: 'manual',
      });
      const body = Buffer.from(await answer.arrayBuffer());
      const passed = [...answer.headers].filter(([name]) => !HOP_BY_HOP.includes(name));
      const cookies = answer.headers.getSetCookie();
      const several = cookies.length === 0 ? {} : { 'set-cookie': cookies };
      response
        .writeHead(answer.status, { ...Object.fromEntries(passed), ...several, ...options.headers })
        .end(body);
    })().catch((error: unknown) => response.writeHead(599).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A web page, as nginx and Dify's web app answer with. */
export const WEB_PAGE: FrontAnswer = {
  headers: { 'content-type': 'text/html' },
  body: '<!doctype html><title>Dify</title>',
};
