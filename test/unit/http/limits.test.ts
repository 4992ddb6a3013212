import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Bodies, type BodyOptions, discardBody } from '../../../src/http/body.ts';
import { asBridgeError } from '../../../src/model/errors.ts';
import { runHost } from '../../support/http-host.ts';

/** A server that answers with what became of a body. */
async function bodyServer(options: Partial<BodyOptions>): Promise<number> {
  const bodies = new Bodies({ maxBytes: 1_000_000, ...options });
  const server = createServer((req, res) => {
    bodies.readJson(req).then(
      (value) => res.end(JSON.stringify({ value })),
      (thrown: unknown) => {
        const { code, rule } = asBridgeError(thrown);
        if (!req.complete) discardBody(req);
        res.writeHead(rule.http).end(code);
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

interface Sending {
  readonly socket: Socket;
  readonly received: () => string;
}

/** Sends text on a connection of its own. */
function send(port: number, text: string): Sending {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(text);
  return { socket, received: () => received };
}

const post = (length: number): string =>
  `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

it('a body that stops arriving is answered with 408', async () => {
  const port = await bodyServer({ silenceMs: 50 });
  const { received } = send(port, `${post(100)}{"a":`);
  await expect.poll(received).toMatch(/^HTTP\/1\.1 408 [^]*request_timeout/);
});

it('a body that goes on arriving is read, however long it takes', async () => {
  const port = await bodyServer({ silenceMs: 400 });
  const { socket, received } = send(port, post(10));
  for (const character of '"12345678"') {
    await new Promise((resolve) => setTimeout(resolve, 60));
    socket.write(character);
  }
  await expect.poll(received).toMatch(/"value":"12345678"/);
});

it('bodies that arrive at the same time have a common limit', async () => {
  const port = await bodyServer({ maxArrivingBytes: 250_000 });
  const part = `"${'x'.repeat(99_998)}`;
  const open = Array.from({ length: 5 }, () => send(port, post(100_000) + part));
  await expect.poll(() => open.filter(({ received }) => received().includes('overloaded')).length).toBe(3);
  const [first, second] = open.filter(({ received }) => received() === '');
  first?.socket.write('"');
  await expect.poll(() => first?.received()).toMatch(/^HTTP\/1\.1 200 /);
  // What one has left is free for another.
  const next = send(port, `${post(100_000)}${part}"`);
  await expect.poll(next.received).toMatch(/^HTTP\/1\.1 200 /);
  second?.socket.destroy();
  const large = send(port, `${post(300_002)}"${'y'.repeat(300_000)}"`);
  await expect.poll(large.received).toMatch(/^HTTP\/1\.1 200 /);
});

it('connections that send no request are closed, and an idle one after a request is not', async () => {
  await using running = await runHost();
  const silent = [send(running.port, ''), send(running.port, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n')];
  const kept = send(running.port, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await Promise.all(silent.map(({ socket }) => once(socket, 'close')));
  for (const { received } of silent) expect(received()).toMatch(/^HTTP\/1\.1 408 /);
  expect(kept.received()).toMatch(/^HTTP\/1\.1 200 /);
  expect(kept.socket.destroyed).toBe(false);
});
