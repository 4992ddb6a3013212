import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { createFileOpener } from '../../../../src/dify/files/opener.ts';
import type { FileReference } from '../../../../src/model/message.ts';
import type { FileOpener, OpenedFile } from '../../../../src/model/ports.ts';
import { bodyOf, recordings, sharedNote } from '../../../support/shared.ts';
import {
  FILE_ID,
  idleSignal,
  INNER_KEY,
  type Loopback,
  loopback,
  SECRET_KEY,
  sendJson,
  TENANT,
} from '../../../support/dify-wire.ts';
import { errorOf } from '../../../support/error-of.ts';

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');
const LINK = `/files/tools/${FILE_ID}.png`;
const PREVIEW = `/files/${FILE_ID}/file-preview`;
/** The time at this Dify, in seconds. */
const NOW = 1_800_000_000;

let server: Loopback | undefined;
/** The downloads that were asked for. */
let requested: string[] = [];
/** What was asked of the route that gives addresses, and what it answers; without that it does not exist. */
let asked: unknown[] = [];
let giveAddress: ((response: ServerResponse) => void) | undefined;

const ROUTE = '/inner/api/download/file/request';
const NO_ROUTE = {
  code: 'not_found',
  message: 'The requested URL was not found on the server. If you entered the URL manually please check it.',
  status: 404,
};

afterEach(async () => {
  await server?.close();
  server = undefined;
  requested = [];
  asked = [];
  giveAddress = undefined;
});

type Serve = (response: ServerResponse) => void;

const sendPng: Serve = (response) => {
  const headers = {
    'content-type': 'image/png; charset=binary',
    'content-length': PNG.length,
    'x-version': '1.12.1',
  };
  response.writeHead(200, headers).end(PNG);
};

/** A Dify that checks signatures as Dify does: key, id, age of 300 s at most. */
async function serve(send: Serve = sendPng, prefix = ''): Promise<Loopback> {
  server = await loopback((request, response, body) => {
    if (request.method === 'POST') {
      asked.push({
        path: request.url,
        key: request.headers['x-inner-api-key'],
        body: JSON.parse(body.toString()),
      });
      return giveAddress === undefined ? sendJson(response, 404, NO_ROUTE) : giveAddress(response);
    }
    requested.push(request.url ?? '');
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://loopback');
    const id = /[0-9a-f-]{36}/i.exec(pathname)?.[0]?.toLowerCase() ?? '';
    const [timestamp, nonce, sign] = ['timestamp', 'nonce', 'sign'].map((name) => searchParams.get(name));
    const isUpload = pathname.endsWith('/file-preview');
    const text = `file-preview|${id}|${timestamp}|${nonce}`;
    const hmac = createHmac('sha256', SECRET_KEY).update(text).digest('base64');
    const isRight = sign === hmac.replaceAll('+', '-').replaceAll('/', '_') && NOW - Number(timestamp) <= 300;
    const isRoute = isUpload || /\/files\/tools\/[^/.]+\.\w+$/.test(pathname);
    if (!isRoute || !pathname.startsWith(`${prefix}/files/`))
      sendJson(response, 404, { code: 'not_found', status: 404 });
    else if (!isRight && isUpload) sendJson(response, 404, { code: 'not_found', status: 404 });
    else if (!isRight)
      sendJson(response, 403, { code: 'forbidden', message: 'Invalid request.', status: 403 });
    else if (id !== FILE_ID) sendJson(response, 415, { code: 'unsupported_file_type', status: 415 });
    else send(response);
  }, prefix);
  return server;
}

/** A query that this Dify accepts `age` seconds after it was made. */
function signed(age = 0, id = FILE_ID): string {
  const timestamp = NOW - age;
  const hmac = createHmac('sha256', SECRET_KEY).update(`file-preview|${id}|${timestamp}|fake-nonce`);
  return `?timestamp=${timestamp}&nonce=fake-nonce&sign=${hmac.digest('base64url')}=`;
}

interface Attempt {
  readonly secretKey?: string | undefined;
  readonly clock?: number;
}

function openerFor(dify: Loopback, { secretKey, clock = NOW }: Attempt = {}): FileOpener {
  return createFileOpener(dify.http, {
    innerApiKey: INNER_KEY,
    tenantId: TENANT,
    now: () => clock * 1000 + 999,
    ...(secretKey !== undefined && { secretKey }),
  });
}

/** What opening gives, with the bytes of the body where there is one. */
async function fetchFile(dify: Loopback, file: FileReference, attempt: Attempt = {}): Promise<unknown> {
  const opened = await openerFor(dify, attempt).open(file, idleSignal());
  if (opened.kind !== 'open') return opened;
  const { kind, mimeType, size } = opened;
  const pieces = [];
  for await (const piece of opened.body) pieces.push(piece);
  await opened.discard();
  const about = { ...(mimeType !== undefined && { mimeType }), ...(size !== undefined && { size }) };
  return { kind, ...about, bytes: Buffer.concat(pieces) };
}

const bytes = { kind: 'open', bytes: PNG, mimeType: 'image/png', size: PNG.length };
const withKey = { secretKey: SECRET_KEY };

describe('links of Dify', () => {
  test.each<[string, FileReference]>([
    ['relative', { url: LINK }],
    ['without extension', { url: `/files/tools/${FILE_ID}` }],
    ['with a host that only Dify knows', { url: `http://dify.invalid:5001${LINK}` }],
    ['behind a prefix that only Dify knows', { url: `https://dify.invalid/some/where${LINK}` }],
    ['with its id in capitals', { url: `/files/tools/${FILE_ID.toUpperCase()}.png` }],
    ['of an upload', { url: PREVIEW }],
    ['that is only an id, of a tool file', { id: FILE_ID, transferMethod: 'tool_file' }],
    [
      'elsewhere, with an id of its own',
      { url: 'https://cdn.example/x', id: FILE_ID, transferMethod: 'tool_file' },
    ],
    ['that is only an id, of an upload', { id: FILE_ID, transferMethod: 'local_file' }],
  ])('%s: signed with the key', async (_name, file) => {
    expect(await fetchFile(await serve(), file, withKey)).toEqual(bytes);
    expect(requested).toHaveLength(1);
  });

  test('below a base with a prefix of its own', async () => {
    const dify = await serve(sendPng, '/dify');
    expect(await fetchFile(dify, { url: `http://x.invalid${LINK}` }, withKey)).toEqual(bytes);
    expect(requested[0]).toMatch(/^\/dify\/files\/tools\//);
  });

  test('in an output: opened by its own signature or not at all, and from this Dify only', async () => {
    const dify = await serve();
    const url = `http://dify.invalid:5001${LINK}`;
    const opener = openerFor(dify, withKey);
    expect(opener.isSignedLink(` ${url}${signed()}\n`)).toBe(true);
    for (const text of [url, `See ${url}${signed()}`, `https://x.invalid/a${signed()}`, '', '/files/']) {
      expect(opener.isSignedLink(text), text).toBe(false);
    }
    expect(await fetchFile(dify, { url: url + signed(), isLink: true }, withKey)).toEqual(bytes);
    expect(await fetchFile(dify, { url: url + signed(301), isLink: true }, withKey)).toMatchObject({
      kind: 'unavailable',
    });
    expect(requested).toHaveLength(2);
    expect(asked).toEqual([]);
  });

  test('signed by Dify: used as it is, no key needed', async () => {
    const query = signed(299);
    expect(await fetchFile(await serve(), { url: `http://dify.invalid${LINK}${query}` })).toEqual(bytes);
    expect(requested).toEqual([LINK + query]);
  });

  test.each([LINK, PREVIEW])('signed by Dify too long ago: signed afresh, once (%s)', async (link) => {
    const dify = await serve();
    expect(await fetchFile(dify, { url: link + signed(302) }, withKey)).toEqual(bytes);
    expect(requested).toHaveLength(2);
    expect(await fetchFile(dify, { url: link + signed(302) })).toMatchObject({
      kind: 'unavailable',
      reason: expect.stringContaining('DIFY_SECRET_KEY'),
    });
  });

  test('without a key, before 1.15: no file is requested, the reason names the setting', async () => {
    const fetched = await fetchFile(await serve(), { url: LINK });
    expect(fetched).toMatchObject({
      kind: 'unavailable',
      reason: expect.stringContaining('DIFY_SECRET_KEY'),
    });
    expect(requested).toEqual([]);
  });

  test.each([
    ['a wrong key', { secretKey: 'another-fake-key' }],
    ['a clock that is late', { secretKey: SECRET_KEY, clock: NOW - 400 }],
  ])('%s: refused, and said so', async (_name, attempt) => {
    for (const url of [LINK, PREVIEW]) {
      const fetched = await fetchFile(await serve(), { url }, attempt);
      expect(fetched).toMatchObject({
        kind: 'unavailable',
        reason: expect.stringMatching(/Dify refuses the signature.*DIFY_SECRET_KEY.*clocks/),
      });
      expect(JSON.stringify(fetched)).not.toContain(attempt.secretKey);
      await server?.close();
    }
  });

  test('a file that is gone', async () => {
    const url = '/files/tools/00000000-0000-4000-8000-000000000000.png';
    expect(await fetchFile(await serve(), { url }, withKey)).toEqual({
      kind: 'unavailable',
      reason: 'Dify no longer has the file.',
    });
  });
});

describe('links of others', () => {
  test.each([
    'https://example.com/y.png',
    `https://example.com/files/tools/not-a-uuid.png`,
    `https://example.com/?next=${LINK}`,
    `https://example.com/${FILE_ID}/file-preview`,
  ])('%s is external', async (url) => {
    expect(await fetchFile(await serve(), { url }, withKey)).toEqual({ kind: 'external' });
    expect(requested).toEqual([]);
  });

  test.each<[FileReference]>([
    [{}],
    [{ id: FILE_ID }],
    [{ id: 'no-uuid', transferMethod: 'tool_file' }],
    [{ url: '/etc/passwd' }],
    [{ url: `file://${LINK}` }],
    [{ url: 'data:image/png;base64,AAAA' }],
    [{ url: '' }],
  ])('%j is unavailable', async (file) => {
    expect(await fetchFile(await serve(), file, withKey)).toMatchObject({ kind: 'unavailable' });
    expect(requested).toEqual([]);
  });
});

describe('the route that gives addresses', () => {
  const address = (path: string) => (response: ServerResponse) =>
    sendJson(response, 200, {
      data: { filename: 'f', mime_type: 'image/png', size: 8, download_url: path },
      error: '',
    });
  const inside = (query: string): string => `http://dify.internal:5001${LINK}${query}`;

  test.each([
    ['tool_file', { url: LINK }],
    ['local_file', { url: PREVIEW }],
  ])('a file of kind %s, with the inner key alone', async (kind, file) => {
    const dify = await serve();
    giveAddress = address(inside(signed()));
    expect(await fetchFile(dify, file)).toEqual(bytes);
    const record = Buffer.from(JSON.stringify({ record_id: FILE_ID })).toString('base64');
    expect(record).toMatch(/=$/);
    expect(asked).toEqual([
      {
        path: ROUTE,
        key: INNER_KEY,
        body: {
          tenant_id: TENANT,
          user_id: '',
          user_from: 'account',
          invoke_from: 'service-api',
          file: { transfer_method: kind, reference: `dify-file-ref:${record}` },
          for_external: false,
        },
      },
    ]);
    expect(requested).toEqual([LINK + signed()]);
  });

  test('comes after the other ways, and only where they are refused', async () => {
    const dify = await serve();
    giveAddress = address(inside(signed()));
    expect(await fetchFile(dify, { url: LINK + signed() }, withKey)).toEqual(bytes);
    expect(await fetchFile(dify, { url: LINK }, withKey)).toEqual(bytes);
    expect(asked).toEqual([]);
    const wrongKey = { secretKey: 'another-fake-key' };
    expect(await fetchFile(dify, { url: LINK + signed(302) }, wrongKey)).toEqual(bytes);
    expect(asked).toHaveLength(1);
    expect(requested).toHaveLength(5);
  });

  test('is asked once in a process where it does not exist, also by several files at once', async () => {
    const opener = openerFor(await serve());
    const opened: OpenedFile[] = await Promise.all(
      [1, 2, 3].map(() => opener.open({ url: LINK }, idleSignal())),
    );
    opened.push(await opener.open({ url: LINK }, idleSignal()));
    expect(new Set(opened.map(({ kind }) => kind))).toEqual(new Set(['unavailable']));
    expect(asked).toHaveLength(1);
  });

  test('is asked again after a failure that says nothing about it', async () => {
    const opener = openerFor(await serve());
    giveAddress = (response) => sendJson(response, 500, {});
    expect(await opener.open({ url: LINK }, idleSignal())).toMatchObject({
      reason: expect.stringContaining('status 500'),
    });
    giveAddress = (response) => response.destroy();
    expect((await opener.open({ url: LINK }, idleSignal())).kind).toBe('unavailable');
    giveAddress = (response) => sendJson(response, 404, { code: 'not_found', message: 'File not found' });
    expect((await opener.open({ url: LINK }, idleSignal())).kind).toBe('unavailable');
    giveAddress = address(inside(signed()));
    const opened = await opener.open({ url: LINK }, idleSignal());
    expect(opened.kind).toBe('open');
    if (opened.kind === 'open') await opened.discard();
  });

  test.each([
    ['of another server', 'https://evil.example/steal?sign=1'],
    ['that is none', 'nonsense'],
    ['that is missing', undefined],
  ])('an address %s is not used', async (_, url) => {
    giveAddress = (response) => sendJson(response, 200, { data: { download_url: url } });
    expect(await fetchFile(await serve(), { url: LINK })).toMatchObject({ kind: 'unavailable' });
    expect(requested).toEqual([]);
  });

  test('that tells of a file that is gone ends the search, and asks for no key', async () => {
    const message = `ToolFile ${FILE_ID} not found`;
    giveAddress = (response) => sendJson(response, 400, { code: 'invalid_param', message, status: 400 });
    const dify = await serve();
    for (const secretKey of [undefined, 'wrong']) {
      expect(await fetchFile(dify, { url: LINK }, { secretKey })).toEqual({
        kind: 'unavailable',
        reason: 'Dify no longer has the file.',
      });
    }
  });

  test('that refuses in another way is quoted', async () => {
    giveAddress = (response) =>
      sendJson(response, 400, { code: 'invalid_param', message: 'invalid payload: x', status: 400 });
    expect(await fetchFile(await serve(), { url: LINK })).toMatchObject({
      reason: expect.stringContaining('(status 400). Dify said: "invalid payload: x". Tell the user that'),
    });
  });

  test('in the end all that was tried is named', async () => {
    const dify = await serve();
    const { reason } = (await fetchFile(dify, { url: LINK + signed(302) }, { secretKey: 'wrong' })) as {
      reason: string;
    };
    expect(reason).toBe(
      "Dify no longer accepts its link to the file. Dify refuses the signature: DIFY_SECRET_KEY is not Dify's SECRET_KEY, or the clocks differ. This Dify gives no addresses of files (1.15 and later do).",
    );
    giveAddress = address(inside(signed(400)));
    expect(await fetchFile(dify, { url: LINK })).toEqual({
      kind: 'unavailable',
      reason:
        "Dify's link to the file is not signed. Dify refuses the address that it gave for the file. Tell the user that the operator of the bridge can set DIFY_SECRET_KEY to the SECRET_KEY of Dify to get it.",
    });
  });
});

test('a file whose bytes Dify has lost, on which it hangs up', async () => {
  const dify = await serve((response) => response.destroy());
  expect(await fetchFile(dify, { url: LINK + signed() })).toEqual({
    kind: 'unavailable',
    reason: 'Dify closed the connection instead of sending the file: its storage may no longer have it.',
  });
});

describe('bodies', () => {
  const file = { url: LINK };

  test('come as they are sent: the first bytes before the last', async () => {
    let finish: (() => void) | undefined;
    const dify = await serve((response) => {
      response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': 6 }).write('abc');
      finish = () => response.end('def');
    });
    const opened = await openerFor(dify, withKey).open(file, idleSignal());
    expect(opened).toMatchObject({ kind: 'open', mimeType: 'video/mp4', size: 6 });
    if (opened.kind !== 'open') return;
    const body = opened.body[Symbol.asyncIterator]();
    expect(Buffer.from((await body.next()).value as Uint8Array).toString()).toBe('abc');
    finish?.();
    expect(Buffer.from((await body.next()).value as Uint8Array).toString()).toBe('def');
    expect((await body.next()).done).toBe(true);
  });

  test('are closed when they are discarded', async () => {
    const dify = await serve((response) => {
      response.writeHead(200, { 'content-length': 9_000_000 }).flushHeaders();
    });
    const opened = await openerFor(dify, withKey).open(file, idleSignal());
    expect(opened.kind).toBe('open');
    if (opened.kind === 'open') await opened.discard();
    await dify.closed(0);
  });

  test('without Content-Length, without Content-Type, empty', async () => {
    const small = await serve((response) => {
      response.write('ab');
      response.end('c');
    });
    expect(await fetchFile(small, file, withKey)).toEqual({ kind: 'open', bytes: Buffer.from('abc') });
    await small.close();
    const empty = await serve((response) => response.end());
    expect(await fetchFile(empty, file, withKey)).toMatchObject({ kind: 'open', bytes: Buffer.alloc(0) });
  });
});

describe('answers of another kind', () => {
  const file = { url: LINK };
  const page = '<html></html>';

  test('a web page of nginx is no file, one that Dify keeps is', async () => {
    const nginx = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(page);
    });
    expect(await fetchFile(nginx, file, withKey)).toMatchObject({
      kind: 'unavailable',
      reason: expect.stringContaining('web page'),
    });
    await nginx.close();
    const kept = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'x-version': '1.12.1' }).end(page);
    });
    expect(await fetchFile(kept, file, withKey)).toMatchObject({ kind: 'open', mimeType: 'text/html' });
  });

  test.each([302, 400, 500, 502])('status %i', async (status) => {
    const dify = await serve((response) => response.writeHead(status).end());
    expect(await fetchFile(dify, file, withKey)).toEqual({
      kind: 'unavailable',
      reason: `Dify answered the request for the file with status ${status}.`,
    });
  });

  test('a connection that breaks, or none', async () => {
    const dify = await serve((response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
    });
    const broken = await errorOf(fetchFile(dify, file, withKey));
    expect(broken.code).toBe('stream_broken');
    expect(broken.toText()).not.toContain('sign=');
    await dify.close();
    expect(await fetchFile(dify, file, withKey)).toMatchObject({ kind: 'unavailable' });
  });

  test('an abort is thrown and closes the request', async () => {
    let arrived: (() => void) | undefined;
    const reached = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const dify = await serve(() => arrived?.());
    const controller = new AbortController();
    const error = errorOf(openerFor(dify, withKey).open(file, controller.signal));
    await reached;
    controller.abort();
    expect((await error).code).toBe('cancelled');
    await dify.closed(0);
  });
});

test(`every recorded download is opened or refused as Dify answers${sharedNote}`, async () => {
  const kinds: Record<string, string> = {
    'files/download-as-attachment': 'open',
    'files/download-signed': 'open',
    'files/download-bad-signature': 'unavailable',
    'files/download-expired': 'unavailable',
    'files/download-unknown': 'unavailable',
    'files/download-unsigned': 'unavailable',
  };
  for (const entry of recordings('files').filter(({ name }) => name in kinds)) {
    const { status, headers } = entry.response;
    const body = bodyOf(entry);
    const type = String(headers['content-type']);
    server = await loopback((request, response) => {
      if (request.method === 'POST') return sendJson(response, 404, NO_ROUTE);
      response.writeHead(status, { 'content-type': type, 'x-version': '1.12.1' }).end(body);
    });
    const fetched = await fetchFile(server, { url: entry.request.path });
    const outcome = { name: entry.name, ...(fetched as object) };
    const bytesOf = kinds[entry.name] === 'open' ? { bytes: Buffer.from(body), mimeType: type } : {};
    expect(outcome).toMatchObject({ name: entry.name, kind: kinds[entry.name], ...bytesOf });
    await server.close();
  }
});
