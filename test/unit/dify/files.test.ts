import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { createFileFetcher } from '../../../src/dify/files.ts';
import type { FileReference } from '../../../src/model/message.ts';
import type { FetchedFile } from '../../../src/model/ports.ts';
import { bodyOf, recordings, sharedNote } from '../../support/shared.ts';
import { FILE_ID, faultOf, idleSignal, type Loopback, loopback, SECRET_KEY, sendJson } from './fixtures.ts';

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');
const LINK = `/files/tools/${FILE_ID}.png`;
const PREVIEW = `/files/${FILE_ID}/file-preview`;
/** The time at this Dify, in seconds. */
const NOW = 1_800_000_000;

let server: Loopback | undefined;
let requested: string[] = [];

afterEach(async () => {
  await server?.close();
  server = undefined;
  requested = [];
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
  server = await loopback((request, response) => {
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
  readonly maxBytes?: number;
  readonly clock?: number;
}

function fetchFile(dify: Loopback, file: FileReference, attempt: Attempt = {}): Promise<FetchedFile> {
  const { secretKey, maxBytes = 1000, clock = NOW } = attempt;
  const fetcher = createFileFetcher(dify.http, {
    now: () => clock * 1000 + 999,
    ...(secretKey !== undefined && { secretKey }),
  });
  return fetcher.fetch(file, maxBytes, idleSignal());
}

const bytes = { kind: 'bytes', bytes: PNG, mimeType: 'image/png' };
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

  test('without a key: nothing is requested, the reason names the setting', async () => {
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
    expect((await fetchFile(await serve(), file, withKey)).kind).toBe('unavailable');
    expect(requested).toEqual([]);
  });
});

describe('sizes', () => {
  const file = { url: LINK };

  test('a file of exactly the limit', async () => {
    expect(await fetchFile(await serve(), file, { ...withKey, maxBytes: PNG.length })).toEqual(bytes);
  });

  test('a size that Dify named beforehand: nothing is requested', async () => {
    const reference = { ...file, size: 5000, mimeType: 'image/png' };
    const fetched = await fetchFile(await serve(), reference, withKey);
    expect(fetched).toEqual({ kind: 'too-large', size: 5000, mimeType: 'image/png' });
    expect(requested).toEqual([]);
  });

  test('a Content-Length over the limit: the body is not waited for', async () => {
    const dify = await serve((response) => {
      response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': 9_000_000 }).flushHeaders();
    });
    expect(await fetchFile(dify, file, withKey)).toEqual({
      kind: 'too-large',
      size: 9_000_000,
      mimeType: 'video/mp4',
    });
    await dify.closed(0);
  });

  test('no Content-Length: read up to the limit, then closed', async () => {
    const dify = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).write(Buffer.alloc(2000));
    });
    expect(await fetchFile(dify, file, withKey)).toEqual({ kind: 'too-large', mimeType: 'text/plain' });
    await dify.closed(0);
  });

  test('no Content-Length, no Content-Type, small, empty', async () => {
    const small = await serve((response) => {
      response.write('ab');
      response.end('c');
    });
    expect(await fetchFile(small, file, withKey)).toEqual({ kind: 'bytes', bytes: Buffer.from('abc') });
    await small.close();
    const empty = await serve((response) => response.end());
    expect(await fetchFile(empty, file, withKey)).toEqual({ kind: 'bytes', bytes: Buffer.alloc(0) });
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
      reason: expect.stringContaining('DIFY_API_URL'),
    });
    await nginx.close();
    const kept = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'x-version': '1.12.1' }).end(page);
    });
    expect(await fetchFile(kept, file, withKey)).toMatchObject({ kind: 'bytes', mimeType: 'text/html' });
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
    const broken = await fetchFile(dify, file, withKey);
    expect(broken).toMatchObject({ kind: 'unavailable', reason: expect.stringContaining('broke') });
    expect(JSON.stringify(broken)).not.toContain('sign');
    await dify.close();
    expect((await fetchFile(dify, file, withKey)).kind).toBe('unavailable');
  });

  test('an abort is thrown and closes the request', async () => {
    let arrived: (() => void) | undefined;
    const reached = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const dify = await serve(() => arrived?.());
    const controller = new AbortController();
    const fetcher = createFileFetcher(dify.http, { secretKey: SECRET_KEY, now: () => NOW * 1000 });
    const fault = faultOf(fetcher.fetch(file, 1000, controller.signal));
    await reached;
    controller.abort();
    expect((await fault).code).toBe('cancelled');
    await dify.closed(0);
  });
});

test(`every recorded download${sharedNote}`, async () => {
  const kinds: Record<string, string> = {
    'files/download-as-attachment': 'bytes',
    'files/download-signed': 'bytes',
    'files/download-bad-signature': 'unavailable',
    'files/download-expired': 'unavailable',
    'files/download-unknown': 'unavailable',
    'files/download-unsigned': 'unavailable',
  };
  for (const entry of recordings('files').filter(({ name }) => name in kinds)) {
    const { status, headers } = entry.response;
    const body = bodyOf(entry);
    const type = String(headers['content-type']);
    server = await loopback((_request, response) => {
      response.writeHead(status, { 'content-type': type, 'x-version': '1.12.1' }).end(body);
    });
    const fetched = await fetchFile(server, { url: entry.request.path });
    const outcome = { name: entry.name, ...fetched };
    const bytesOf = kinds[entry.name] === 'bytes' ? { bytes: Buffer.from(body), mimeType: type } : {};
    expect(outcome).toMatchObject({ name: entry.name, kind: kinds[entry.name], ...bytesOf });
    await server.close();
  }
});
