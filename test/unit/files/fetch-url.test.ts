import { once } from 'node:events';
import { mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BridgeError } from '../../../src/model/errors.ts';
import type { InputFile } from '../../../src/model/ports.ts';
import { createRemoteFiles, type RemoteFilesOptions } from '../../../src/files/fetch-url.ts';
import { errorOf } from '../../support/error-of.ts';

/** A server on loopback, which counts who connects. */
interface Web {
  readonly port: number;
  readonly connections: () => number;
  readonly requests: IncomingMessage[];
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const closers: (() => Promise<unknown>)[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'remote-test-'));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  // Nothing is ever left of a file: the folder would not go otherwise.
  await rmdir(folder);
});

async function serve(answer: Answer): Promise<Web> {
  let connections = 0;
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections, requests };
}

/** A server that answers in bytes of its own; its port. */
async function serveRaw(answer: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const send =
  (body: string | Uint8Array, headers: Record<string, string> = {}, status = 200): Answer =>
  (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

/** Host names of these tests; `files.example` is one that the operator named. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'files.example': ['127.0.0.1'],
  'inside.example': ['127.0.0.1'],
  'metadata.example': ['169.254.169.254'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'both.example': ['93.184.215.14', '10.0.0.1'],
  'nothing.example': [],
};

async function resolver(host: string): Promise<readonly string[]> {
  const found = NAMES[host];
  if (found === undefined) throw Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
  return found;
}

function remote(options: Partial<RemoteFilesOptions> = {}) {
  return createRemoteFiles({
    allowHttp: true,
    allowedNetworks: ['files.example'],
    timeoutMs: 10_000,
    temporaryFolder: folder,
    resolver,
    ...options,
  });
}

function fetching(
  url: string,
  options: Partial<RemoteFilesOptions> & { maxBytes?: number; signal?: AbortSignal } = {},
) {
  const { maxBytes = 1000, signal = new AbortController().signal, ...more } = options;
  return remote(more).fetch(url, { maxBytes, signal });
}

async function take(
  file: InputFile,
): Promise<{ filename: string; mimeType: string | undefined; size: number; body: string }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.read()) chunks.push(chunk);
  await file.dispose();
  return {
    filename: file.filename,
    mimeType: file.mimeType,
    size: file.size,
    body: Buffer.concat(chunks).toString(),
  };
}

describe('a file', () => {
  it('comes with its name, type and bytes, as often as it is read', async () => {
    const web = await serve(send('a,b\n', { 'content-type': 'Text/CSV; charset=utf-8' }));
    const file = await fetching(`http://files.example:${web.port}/data/%E8%A1%A8%201.csv?key=1`);
    const first: Uint8Array[] = [];
    for await (const chunk of file.read()) first.push(chunk);
    expect(Buffer.concat(first).toString()).toBe('a,b\n');
    expect(await take(file)).toEqual({ filename: '表 1.csv', mimeType: 'text/csv', size: 4, body: 'a,b\n' });
    await file.dispose();
    expect(web.requests[0]?.headers).toEqual({
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': 'dify-mcp-bridge',
      host: `files.example:${web.port}`,
      connection: 'close',
    });
  });

  it('may be empty', async () => {
    const web = await serve(send(''));
    expect(await take(await fetching(`http://files.example:${web.port}/`))).toMatchObject({
      filename: '',
      size: 0,
      body: '',
    });
  });

  it('is followed through redirects, each of which is checked', async () => {
    const web = await serve((request, response) => {
      const step = Number(request.url?.slice(1));
      if (step === 5) send('there')(request, response);
      else
        send(
          '',
          { location: step % 2 === 0 ? `/${step + 1}` : `http://files.example:${web.port}/${step + 1}` },
          [301, 302, 303, 307, 308][step],
        )(request, response);
    });
    expect(await take(await fetching(`http://files.example:${web.port}/0`))).toMatchObject({
      filename: '5',
      body: 'there',
    });
    expect(web.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'GET', 'GET', 'GET']);
  });

  it('may be as large as allowed, and lies on disk without a name', async () => {
    const web = await serve(send(Buffer.alloc(300_000, 1)));
    const file = await fetching(`http://files.example:${web.port}/a`, { maxBytes: 300_000 });
    expect([file.size, await readdir(folder)]).toEqual([300_000, []]);
    await file.dispose();
  });
});

describe('an address that is not public', () => {
  it.each([
    ['127.0.0.1'],
    ['localhost'],
    ['0.0.0.0'],
    ['10.1.2.3'],
    ['172.16.0.1'],
    ['192.168.1.1'],
    ['100.64.0.1'],
    ['169.254.169.254'],
    ['198.18.0.1'],
    ['224.0.0.1'],
    ['255.255.255.255'],
    ['2130706433'],
    ['0x7f.1'],
    ['0177.0.0.1'],
    ['127.1'],
    ['127.0.0.1.'],
    ['①②⑦.0.0.1'],
    ['[::1]'],
    ['[::]'],
    ['[::127.0.0.1]'],
    ['[::ffff:127.0.0.1]'],
    ['[::ffff:7f00:1]'],
    ['[64:ff9b::7f00:1]'],
    ['[64:ff9b:1::7f00:1]'],
    ['[2002:7f00:1::]'],
    ['[2001::1]'],
    ['[fc00::1]'],
    ['[fe80::1]'],
    ['[fec0::1]'],
    ['[ff02::1]'],
    ['inside.example'],
    ['metadata.example'],
    ['mapped.example'],
    ['both.example'],
  ])('%s is refused before anything is opened', async (host) => {
    const web = await serve(send('secret'));
    const error = await errorOf(
      fetching(`http://${host}:${web.port}/`, { resolver: async (name) => NAMES[name] ?? ['127.0.0.1'] }),
    );
    expect(error.code).toBe('file_refused');
    expect(error.message).toMatch(
      /(is|leads to) a private or local address, which the bridge does not fetch from\.$/,
    );
    expect(error.toText()).not.toMatch(/93\.184|10\.0\.0\.1/);
    expect(web.connections()).toBe(0);
  });

  it('is refused when a redirect leads there', async () => {
    const inside = await serve(send('secret'));
    for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', 'inside.example']) {
      const web = await serve(send('', { location: `http://${host}:${inside.port}/secret` }, 302));
      const error = await errorOf(fetching(`http://files.example:${web.port}/`));
      expect(error.message).toContain('a private or local address');
      expect(web.connections()).toBe(1);
    }
    expect(inside.connections()).toBe(0);
  });

  it('is refused by what the name says now: nothing else is connected to', async () => {
    const web = await serve(send('secret'));
    let asked = 0;
    const rebinding = async (): Promise<string[]> => {
      asked += 1;
      return asked === 1 ? ['192.0.2.1'] : ['127.0.0.1'];
    };
    const error = await errorOf(
      fetching(`http://rebinding.example:${web.port}/`, {
        resolver: rebinding,
        allowedNetworks: ['192.0.2.1'],
        timeoutMs: 300,
      }),
    );
    expect(error.code).toBe('file_refused');
    expect([asked, web.connections()]).toEqual([1, 0]);
  });

  it.each([['127.0.0.0/8'], ['127.0.0.1'], ['INSIDE.example.']])(
    'is fetched from where the operator allowed %s, and from nowhere else',
    async (network) => {
      const web = await serve(send('fine'));
      const url = `http://inside.example:${web.port}/a`;
      expect(await take(await fetching(url, { allowedNetworks: [network] }))).toMatchObject({ body: 'fine' });
      const elsewhere = await errorOf(fetching('http://metadata.example/', { allowedNetworks: [network] }));
      expect(elsewhere.message).toContain('a private or local address');
    },
  );
});

describe('other addresses are refused, each with its own message', () => {
  it.each<[string, string, Partial<RemoteFilesOptions>, string]>([
    ['no address', 'nonsense', {}, 'The url is not a web address.'],
    ['another scheme', 'ftp://files.example/a', {}, 'The url is not a web address.'],
    [
      'http',
      'http://files.example/a',
      { allowHttp: false },
      'The address at files.example does not begin with https://, and the bridge fetches no others.',
    ],
    [
      'credentials',
      'https://anna:fake-secret@files.example/a',
      {},
      'The address at files.example carries a user name or password, which the bridge does not send.',
    ],
    ['an unknown host', 'https://unknown.example/a', {}, 'The host name unknown.example cannot be resolved.'],
    [
      'a host without addresses',
      'https://nothing.example/a',
      {},
      'The host name nothing.example cannot be resolved.',
    ],
  ])('%s', async (_, url, options, message) => {
    const error = await errorOf(fetching(url, options));
    expect([error.code, error.message]).toEqual(['file_refused', message]);
    expect(error.toText()).not.toContain('fake-secret');
  });

  it('a redirect to http, to credentials, to nowhere', async () => {
    for (const [location, message] of [
      ['ftp://files.example/', 'not a web address'],
      ['http://a:b@files.example/', 'carries a user name'],
      ['http://', 'redirects without a target'],
      [undefined, 'redirects without a target'],
    ] as const) {
      const web = await serve(send('', location === undefined ? {} : { location }, 302));
      const error = await errorOf(fetching(`http://files.example:${web.port}/`));
      expect(error.message).toContain(message);
    }
  });

  it('a redirect that never ends', async () => {
    const web = await serve(send('', { location: '/again' }, 302));
    const error = await errorOf(fetching(`http://files.example:${web.port}/`));
    expect(error.message).toBe(`files.example:${web.port} redirects more than 5 times.`);
    expect(web.requests).toHaveLength(6);
  });
});

describe('answers are refused, each with its own message', () => {
  it.each<[string, Answer, RegExp]>([
    ['an error', send('no', {}, 404), /answers with status 404 instead of the file/],
    ['a part of the file', send('no', {}, 206), /answers with status 206/],
    ['a compressed file', send('x', { 'content-encoding': 'gzip' }), /sends the file compressed/],
    [
      'a file that says it is too large',
      send('x'.repeat(1001), { 'content-length': '1001' }),
      /has 1001 bytes, and the bridge accepts at most 1000/,
    ],
    [
      'a body that ends too early',
      (_request, response) => {
        response.writeHead(200, { 'content-length': '10' });
        response.write('half');
        setImmediate(() => response.destroy());
      },
      /closed the connection in the middle of the file/,
    ],
    [
      'a server that hangs up',
      (request) => {
        request.socket.destroy();
      },
      /No file came from .*: it closed the connection/,
    ],
  ])('%s', async (_, answer, message) => {
    const web = await serve(answer);
    const error = await errorOf(fetching(`http://files.example:${web.port}/`));
    expect(error.message).toMatch(message);
    expect(error.message).toContain('files.example');
  });

  it('a body that never ends, by its size', async () => {
    let closed: Promise<unknown> | undefined;
    const web = await serve((_request, response) => {
      closed = once(response, 'close');
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(100)));
      };
      response.on('drain', more);
      more();
    });
    const error = await errorOf(fetching(`http://files.example:${web.port}/`));
    expect(error.code).toBe('file_too_large');
    expect(error.message).toBe(
      `The file at files.example:${web.port} is larger than the 1000 bytes that the bridge accepts.`,
    );
    await closed;
  });

  it('a body that trickles, by the time of all of it', async () => {
    const web = await serve((_request, response) => {
      const timer = setInterval(() => response.write('x'), 5);
      response.on('close', () => clearInterval(timer));
    });
    const error = await errorOf(fetching(`http://files.example:${web.port}/`, { timeoutMs: 150 }));
    expect(error.message).toBe(`files.example:${web.port} did not send the whole file within 150 ms.`);
    expect(error.hint).toContain('files.fetchTimeout');
  });

  it.each<[string, Answer]>([
    ['before its answer', () => undefined],
    ['in its answer', (_request, response) => void response.write('x')],
  ])('a server that is silent %s', async (_, answer) => {
    const web = await serve(answer);
    const error = await errorOf(fetching(`http://files.example:${web.port}/`, { idleMs: 60 }));
    expect(error.message).toBe(`files.example:${web.port} sent nothing for 60 ms.`);
  });

  it.each<[string, Partial<RemoteFilesOptions>, RegExp]>([
    ['by the time of all of it', { timeoutMs: 150 }, /did not send the whole file within 150 ms/],
    ['by a silence', { idleMs: 60 }, /sent nothing for 60 ms/],
  ])(
    'a body that ends with its connection, ended %s: a part is not taken for the whole',
    async (_, limits, message) => {
      const port = await serveRaw((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\na part');
        const timer = limits.timeoutMs === undefined ? undefined : setInterval(() => socket.write('x'), 5);
        socket.on('close', () => clearInterval(timer));
      });
      const error = await errorOf(fetching(`http://files.example:${port}/`, limits));
      expect(error.message).toMatch(message);
    },
  );

  it('a change to another protocol', async () => {
    const port = await serveRaw((socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    });
    const error = await errorOf(fetching(`http://files.example:${port}/`));
    expect(error.message).toMatch(/answers with status 101 instead of the file/);
  });

  it('something that is not HTTP, and nobody at all', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume();
      socket.end('SSH-2.0-fake\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect((await errorOf(fetching(`http://files.example:${port}/`))).message).toContain(
      'it does not speak HTTP',
    );
    expect((await errorOf(fetching(`https://files.example:${port}/`))).message).toContain('certificate');
    await new Promise((resolve) => server.close(resolve));
    expect((await errorOf(fetching(`http://files.example:${port}/`))).message).toContain(
      'it refuses connections',
    );
  });
});

describe('a disk that takes no file', () => {
  it('is named, and nothing is said of a fault in the bridge', async () => {
    const web = await serve(send('x'));
    const error = await errorOf(
      fetching(`http://files.example:${web.port}/`, { temporaryFolder: fileURLToPath(import.meta.url) }),
    );
    expect(error.code).toBe('file_refused');
    expect(error.message).toMatch(/^The bridge could not write the file to its disk \((EEXIST|ENOTDIR)\)\.$/);
    expect(error.hint).toContain('files.dir');
  });
});

describe('the end of the call', () => {
  const reason = new BridgeError('cancelled', 'The call was cancelled.');

  it.each<[string, Answer]>([
    ['before the answer', () => undefined],
    ['within the body', (_request, response) => void response.write('x')],
  ])('closes the connection %s', async (_, answer) => {
    const controller = new AbortController();
    let closed: Promise<unknown> | undefined;
    const web = await serve((request, response) => {
      closed = once(response, 'close');
      answer(request, response);
      setImmediate(() => controller.abort(reason));
    });
    const work = fetching(`http://files.example:${web.port}/`, { signal: controller.signal });
    await expect(work).rejects.toBe(reason);
    await closed;
  });

  it('is heard while a name is looked up, and before', async () => {
    const controller = new AbortController();
    const slow = fetching('https://slow.example/', {
      signal: controller.signal,
      resolver: () => {
        controller.abort(reason);
        return new Promise(() => undefined);
      },
    });
    await expect(slow).rejects.toBe(reason);
    await expect(fetching('https://files.example/', { signal: controller.signal })).rejects.toBe(reason);
  });
});
