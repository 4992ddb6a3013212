import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createDifyHttp, type DifyHttp } from '../../../../src/dify/wire/http.ts';
import { BridgeError } from '../../../../src/model/errors.ts';
import {
  collect,
  type Handler,
  idleSignal,
  type Loopback,
  loopback,
  sendJson,
  streamOf,
} from '../../../support/dify-wire.ts';
import { errorOf } from '../../../support/error-of.ts';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(handler: Handler, prefix?: string): Promise<Loopback> {
  const server = await loopback(handler, prefix);
  closers.push(() => server.close());
  return server;
}

/** A server that speaks whatever `bytes` are, as soon as it is asked. */
async function serveRaw(bytes: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(bytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function connect(baseUrl: string, connectTimeoutMs?: number): DifyHttp {
  const http = createDifyHttp({ baseUrl, ...(connectTimeoutMs !== undefined && { connectTimeoutMs }) });
  closers.push(() => http.close());
  return http;
}

function get(http: DifyHttp, path = '/x', signal = idleSignal()) {
  return http.send({ method: 'GET', path, signal });
}

describe('requests', () => {
  test('half characters go neither out nor in: they are no Unicode', async () => {
    const { http } = await serve((_request, response, body) =>
      response.end(String.raw`["${body.toString('hex')}", "\ud83d\ude00\uD83D"]`),
    );
    const body = { '\ud83d': ['😀\ude00', '\\ud83d'] };
    const answer = await http.send({ method: 'POST', path: '/', body, signal: idleSignal() });
    const sent = Buffer.from(JSON.stringify({ '\ufffd': ['😀\ufffd', '\\ud83d'] }));
    expect(await answer.json()).toEqual([sent.toString('hex'), '😀\ufffd']);
  });

  test('JSON goes out as JSON, without compression, and comes back with the version', async () => {
    const { http } = await serve((request, response, body) => {
      sendJson(response, 200, { headers: request.headers, method: request.method, body: body.toString() });
    });
    const answer = await http.send({
      method: 'POST',
      path: '/a?b=c',
      headers: { 'x-inner-api-key': 'fake' },
      body: { é: [1, null] },
      signal: idleSignal(),
    });
    expect(answer.status).toBe(200);
    expect(answer.version).toBe('1.12.1');
    expect(answer.path).toBe('/a');
    expect(await answer.json()).toMatchObject({
      method: 'POST',
      body: '{"é":[1,null]}',
      headers: {
        'content-type': 'application/json',
        'accept-encoding': 'identity',
        'x-inner-api-key': 'fake',
        'content-length': '15',
      },
    });
  });

  test('a stream goes out as it comes, with the length that its headers say', async () => {
    const { http } = await serve((request, response, body) => {
      const { 'content-length': length, 'transfer-encoding': coding, 'content-type': type } = request.headers;
      sendJson(response, 200, { length, coding, type, body: body.toString() });
    });
    const headers = { 'content-type': 'text/plain', 'content-length': '5' };
    const body = streamOf([Buffer.from('by'), Buffer.from('tes')]);
    const answer = await http.send({ method: 'POST', path: '/', headers, body, signal: idleSignal() });
    expect(await answer.json()).toEqual({ length: '5', type: 'text/plain', body: 'bytes' });
  });

  test('an error of the stream ends the request and is reported', async () => {
    const { http } = await serve(() => undefined);
    const broken = new BridgeError('file_refused', 'The file changed.');
    async function* body(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('by'));
      throw broken;
    }
    const headers = { 'content-length': '5' };
    const sent = http.send({ method: 'POST', path: '/', headers, body: body(), signal: idleSignal() });
    await expect(sent).rejects.toBe(broken);
  });

  test.each([
    ['', '/console/api/ping?x=1', '/console/api/ping?x=1'],
    ['/', '/a', '/a'],
    ['/dify', '/a', '/dify/a'],
    ['/dify///', '/a?b', '/dify/a?b'],
  ])('base with the path %j: %j arrives as %j', async (prefix, path, arrived) => {
    const { http } = await serve((request, response) => sendJson(response, 200, request.url), prefix);
    expect(await (await get(http, path)).json()).toBe(arrived);
  });

  test('an absolute address is used as it is', async () => {
    const other = await serve((request, response) => sendJson(response, 200, request.url));
    const { http } = await serve((_request, response) => sendJson(response, 500, {}), '/prefix');
    const answer = await get(http, `${other.url}/elsewhere?q`);
    expect(await answer.json()).toBe('/elsewhere?q');
    expect(answer.path).toBe('/elsewhere');
  });

  test.each(['api:5001', 'ftp://api', 'not an address', ''])('%j is no base', (baseUrl) => {
    expect(() => createDifyHttp({ baseUrl })).toThrowError(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('DIFY_API_URL') }),
    );
  });

  test('no redirect is followed, no failure is repeated', async () => {
    const seen: string[] = [];
    const { http } = await serve((request, response) => {
      seen.push(request.url ?? '');
      if (request.url === '/moved') response.writeHead(302, { location: '/target' }).end();
      else request.socket.destroy();
    });
    const moved = await get(http, '/moved');
    expect(moved.status).toBe(302);
    await moved.discard();
    const post = http.send({ method: 'POST', path: '/post', body: {}, signal: idleSignal() });
    expect((await errorOf(post)).code).toBe('upstream_unreachable');
    expect((await errorOf(get(http, '/get'))).code).toBe('upstream_unreachable');
    expect(seen).toEqual(['/moved', '/post', '/get']);
  });
});

describe('answers', () => {
  test('JSON, no JSON, text and its limit', async () => {
    const { http } = await serve((request, response) => {
      response.end(request.url === '/json' ? '{"a":1}' : 'héllo'.repeat(100_000));
    });
    expect(await (await get(http, '/json')).json()).toEqual({ a: 1 });
    expect(await (await get(http, '/text')).json()).toBeUndefined();
    expect(await (await get(http, '/text')).text(1_000_000)).toHaveLength(500_000);
    expect(await (await get(http, '/text')).text(4)).toBe('hél');
    expect((await get(http, '/text')).version).toBeUndefined();
  });

  test('larger than 64 MiB', async () => {
    const { http } = await serve((_request, response) => response.end(Buffer.alloc(64 * 1024 * 1024 + 1)));
    const error = await errorOf((await get(http, '/large')).json());
    expect(error.code).toBe('upstream_error');
    expect(error.message).toContain('/large is larger than 64 MiB');
  });

  test('connections are used again after a discarded body', async () => {
    const { http, sockets } = await serve((_request, response) => response.end('x'.repeat(1000)));
    for (let count = 0; count < 10; count += 1) await (await get(http)).discard();
    // The body can be read to its end a moment before its connection is free: two take turns then.
    expect(sockets.length).toBeLessThanOrEqual(2);
  });

  test('an idle connection that the server closed is not used again', async () => {
    const { http, sockets, closed } = await serve((_request, response) => sendJson(response, 200, 1));
    await (await get(http)).json();
    sockets[0]?.destroy();
    await closed(0);
    expect(await (await get(http)).json()).toBe(1);
    expect(sockets).toHaveLength(2);
  });

  test('an idle connection is given up before gunicorn closes it after 2 s', async () => {
    const { http, closed } = await serve((_request, response) => sendJson(response, 200, 1));
    await (await get(http)).json();
    // Both clocks run in this process, so a busy machine delays them alike; a turn or two brings the news here.
    const gunicorn = pause(2000).then(async () => {
      for (let turns = 0; turns < 20; turns += 1) await turn();
      return 'gunicorn';
    });
    expect(await Promise.race([closed(0).then(() => 'the bridge'), gunicorn])).toBe('the bridge');
  });

  test('twenty requests at once do not wait for each other', async () => {
    const waiting: (() => void)[] = [];
    const { http } = await serve((_request, response) => {
      waiting.push(() => sendJson(response, 200, 1));
      if (waiting.length === 20) for (const answer of waiting) answer();
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(http)));
    expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual(Array(20).fill(1));
  });

  test('beyond the limit of connections, a request waits for one to be free', async () => {
    const waiting: (() => void)[] = [];
    const { url, sockets } = await serve((_request, response) => {
      waiting.push(() => sendJson(response, 200, 1));
      if (waiting.length === 2) for (const answer of waiting.splice(0)) answer();
    });
    const http = createDifyHttp({ baseUrl: url, maxConnections: 2 });
    closers.push(() => http.close());
    const bodies = Array.from({ length: 10 }, async () => (await get(http)).json());
    expect(await Promise.all(bodies)).toEqual(Array(10).fill(1));
    expect(sockets).toHaveLength(2);
  });

  test('a body that breaks off is a broken stream', async () => {
    const address = await serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
    const answer = await get(connect(`http://${address}`), '/x?sign=fake-signature');
    const error = await errorOf(collect(answer.body));
    expect(error.code).toBe('stream_broken');
    expect(error.message).toContain(`${address} broke in the middle of the answer to /x.`);
  });

  test('leaving the body early closes the connection', async () => {
    const { http, closed } = await serve((_request, response) => {
      response.write('first');
    });
    const answer = await get(http);
    for await (const chunk of answer.body) {
      expect(Buffer.from(chunk).toString()).toBe('first');
      break;
    }
    await closed(0);
  });
});

describe('ends before the answer', () => {
  test('refused', async () => {
    const { http, url, close } = await loopback(() => undefined);
    await close();
    closers.push(() => http.close());
    const error = await errorOf(get(connect(url)));
    expect(error.code).toBe('upstream_unreachable');
    expect(error.message).toContain(`${new URL(url).host}: the connection was refused`);
    expect(error.hint).toContain('DIFY_API_URL');
  });

  test('localhost, which is two addresses, refused on both', async () => {
    const { url, close } = await loopback(() => undefined);
    await close();
    const error = await errorOf(get(connect(`http://localhost:${new URL(url).port}`)));
    expect(error.message).toContain('the connection was refused');
  });

  test('no such host', async () => {
    const error = await errorOf(get(connect('http://dify.invalid')));
    expect(error.code).toBe('upstream_unreachable');
    expect(error.message).toMatch(
      /dify\.invalid:80: (the host name does not exist in DNS|DNS did not answer)/,
    );
  });

  test('TLS to a server without, and something else than HTTP', async () => {
    const { url } = await serve((_request, response) => response.end());
    const tls = await errorOf(get(connect(url.replace('http:', 'https:'))));
    expect(tls.code).toBe('upstream_unreachable');
    expect(tls.message).toContain('TLS handshake failed');
    expect(tls.hint).toContain('http://');
    const abrupt = await errorOf(get(connect(`https://${await serveRaw('')}`)));
    expect(abrupt.message).toContain('TLS handshake failed');
    expect(abrupt.hint).toContain('http://');
    const other = await errorOf(get(connect(`http://${await serveRaw('SSH-2.0-OpenSSH\r\n')}`)));
    expect(other.code).toBe('upstream_wrong_address');
  });

  test('closed without an answer', async () => {
    const { http } = await serve((request) => request.socket.end());
    const error = await errorOf(get(http, '/x?sign=fake-signature'));
    expect(error.code).toBe('upstream_unreachable');
    expect(error.message).toContain('before an answer');
    expect(error.toText()).not.toContain('fake-signature');
  });

  test('after the time limit, before the headers and in the body', async () => {
    const { http } = await serve((request, response) => {
      if (request.url === '/body') response.write('half');
    });
    const limited = (path: string) => http.send({ method: 'GET', path, signal: idleSignal(), timeoutMs: 50 });
    const silent = await errorOf(limited('/silent'));
    expect(silent.code).toBe('upstream_unreachable');
    expect(silent.message).toContain('within 50 ms');
    const slow = await errorOf(limited('/body').then((answer) => answer.json()));
    expect(slow.message).toContain('within 50 ms');
  });

  test('after a silence, before the headers and in the body, however long the whole takes', async () => {
    const { http } = await serve((request, response) => {
      if (request.url === '/silent') return;
      response.writeHead(200).write('some');
    });
    const watched = (path: string) =>
      http.send({ method: 'GET', path, signal: idleSignal(), silenceMs: 100 });
    const before = await errorOf(watched('/silent'));
    expect(before.code).toBe('upstream_unreachable');
    expect(before.message).toContain('it did not answer in time');
    const answer = await watched('/body');
    expect((await errorOf(answer.json())).code).toBe('stream_broken');
  });

  test('an answer within its time limit stays', async () => {
    const { http } = await serve((_request, response) => sendJson(response, 200, 1));
    const answer = await http.send({ method: 'GET', path: '/', signal: idleSignal(), timeoutMs: 5000 });
    expect(await answer.json()).toBe(1);
  });
});

describe('an aborted signal', () => {
  const deadline = new BridgeError('deadline_exceeded', 'Too long.');

  test.each([
    ['a reason of ours', deadline, 'deadline_exceeded'],
    ['another reason', new Error('client is gone'), 'cancelled'],
    ['no reason', undefined, 'cancelled'],
  ])('with %s, before, during and after the headers', async (_name, reason, code) => {
    const arrived: (() => void)[] = [];
    const { http, sockets, closed } = await serve((request, response) => {
      if (request.url === '/body') response.write('half');
      arrived.shift()?.();
    });

    const early = AbortSignal.abort(reason);
    expect((await errorOf(get(http, '/', early))).code).toBe(code);
    expect(sockets).toHaveLength(0);

    const silent = new AbortController();
    const silentArrived = new Promise<void>((resolve) => arrived.push(resolve));
    const silentError = errorOf(get(http, '/silent', silent.signal));
    await silentArrived;
    silent.abort(reason);
    expect((await silentError).code).toBe(code);
    await closed(0);

    const half = new AbortController();
    const answer = await get(http, '/body', half.signal);
    const halfError = errorOf(answer.json());
    half.abort(reason);
    expect((await halfError).code).toBe(code);
    await closed(1);
  });

  test('with a time limit as well', async () => {
    const { http } = await serve(() => undefined);
    const controller = new AbortController();
    const pending = http.send({ method: 'GET', path: '/', signal: controller.signal, timeoutMs: 5000 });
    controller.abort(deadline);
    expect(await errorOf(pending)).toBe(deadline);
  });
});
