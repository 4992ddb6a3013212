import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { attachment, downloadPath, requestedRange } from '../../../src/http/downloads.ts';
import { chunks, HOUR, KINDS, type StoreKind, testStore } from '../../support/file-stores.ts';
import { type RunOptions, runHost } from '../../support/http-host.ts';
import { raw } from '../../support/raw-http.ts';

interface HostWith extends RunOptions {
  readonly name?: string;
  readonly mimeType?: string;
  readonly kind?: StoreKind;
}

/** A host with one kept file, and the path at which it is. */
async function hostWith(
  body: Uint8Array,
  { name = 'report.pdf', mimeType = 'application/pdf', kind = 'directory', ...options }: HostWith = {},
) {
  const { store, clock } = testStore(kind, { maxBytes: 100_000_000 });
  const file = await store.put(chunks(body), { name, mimeType, principal: 'ada' });
  const key = (await store.downloadKey(file.uri, 'ada')) ?? '';
  const running = await runHost({ files: store, token: 'test-token', ...options });
  const path = downloadPath(key, file.name);
  return Object.assign(running, { store, clock, file, key, path });
}

const bytesOf = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers });
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
};

describe('a download that runs while the host closes', () => {
  /** More than the buffers between reader and host hold. */
  const body = randomBytes(30_000_000);

  async function paused(host: { readonly port: number; readonly path: string }): Promise<IncomingMessage> {
    const sent = request(`http://127.0.0.1:${host.port}${host.path}`).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response.pause();
  }

  it('has the grace to arrive whole', async () => {
    await using host = await hostWith(body);
    const response = await paused(host);
    const closing = host.host.close(10_000);
    // Longer than the moment that answers get at the close.
    await sleep(700);
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    expect(Buffer.concat(parts).equals(body)).toBe(true);
    await closing;
  });

  it('is cut off after it', async () => {
    await using host = await hostWith(body);
    const response = await paused(host);
    await host.host.close(20);
    await expect(response.resume().toArray()).rejects.toThrow('aborted');
  });
});

describe('a download', () => {
  it.each(KINDS)('gives the bytes without a token, as something to save (%s)', async (kind) => {
    const body = randomBytes(700_000);
    await using host = await hostWith(body, { kind });
    const { response, bytes } = await bytesOf(`http://127.0.0.1:${host.port}${host.path}`);
    expect(response.status).toBe(200);
    expect(bytes.equals(body)).toBe(true);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '700000',
      'content-disposition': `attachment; filename="report.pdf"; filename*=UTF-8''report.pdf`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'cache-control': 'private, no-store',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'accept-ranges': 'bytes',
    });
  });

  it.each([
    ['image/png', 'image/png'],
    ['audio/wav', 'audio/wav'],
    ['video/mp4', 'video/mp4'],
    ['text/plain', 'text/plain; charset=utf-8'],
    ['text/csv', 'text/csv; charset=utf-8'],
    ['application/json', 'application/json'],
    ['application/vnd.ms-excel', 'application/vnd.ms-excel'],
    ['text/html', 'application/octet-stream'],
    ['image/svg+xml', 'application/octet-stream'],
    ['application/xml', 'application/octet-stream'],
    ['text/xml', 'application/octet-stream'],
    ['application/xhtml+xml', 'application/octet-stream'],
    ['application/vnd.mozilla.xul+xml', 'application/octet-stream'],
    ['text/javascript', 'application/octet-stream'],
    ['application/pdf', 'application/octet-stream'],
    ['application/x-shockwave-flash', 'application/octet-stream'],
    ['multipart/related', 'application/octet-stream'],
    ['text/css', 'application/octet-stream'],
  ])('of %s is served as %s', async (mimeType, served) => {
    await using host = await hostWith(Buffer.from('<script>'), { mimeType });
    const answer = await raw(host.port, { path: host.path });
    expect(answer.headers['content-type']).toBe(served);
  });

  it.each([
    ['季度 报告.txt', 'filename="__ __.txt"; filename*=UTF-8\'\'%E5%AD%A3%E5%BA%A6%20%E6%8A%A5%E5%91%8A.txt'],
    [`a";b='c'.txt`, `filename="a_;b='c'.txt"; filename*=UTF-8''a_%3Bb%3D%27c%27.txt`],
    ['100%.txt', `filename="100_.txt"; filename*=UTF-8''100%25.txt`],
    ['a\r\nX-Evil: 1.txt', `filename="a X-Evil_ 1.txt"; filename*=UTF-8''a%20X-Evil_%201.txt`],
    ['(*)', `filename="(_)"; filename*=UTF-8''%28_%29`],
  ])('carries the name %j', async (name, expected) => {
    await using host = await hostWith(Buffer.from('x'), { name });
    const answer = await raw(host.port, { path: host.path });
    expect(answer.headers['content-disposition']).toBe(`attachment; ${expected}`);
  });

  it('answers HEAD with the head alone, and refuses to be written', async () => {
    await using host = await hostWith(Buffer.from('hello'));
    const head = await raw(host.port, { path: host.path, method: 'HEAD', headers: { Range: 'bytes=1-2' } });
    expect(head).toMatchObject({ status: 200, text: '', headers: { 'content-length': '5' } });
    const post = await raw(host.port, { path: host.path, method: 'PUT', body: 'x' });
    expect(post).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  it('takes any name and any query after the key', async () => {
    await using host = await hostWith(Buffer.from('hello'));
    for (const path of [`/files/${host.key}`, `/files/${host.key}/`, `/files/${host.key}/x.txt?download=1`]) {
      expect(await raw(host.port, { path }), path).toMatchObject({ status: 200, text: 'hello' });
    }
  });

  it('has one answer for what is unknown, guessed, expired or evicted', async () => {
    await using host = await hostWith(Buffer.from('hello'));
    const { key, clock, path } = host;
    const id = key.slice(0, 25);
    const paths = [
      `/files/${'0'.repeat(47)}/a`,
      `/files/${id}/report.pdf`,
      `/files/${id}${'A'.repeat(22)}/report.pdf`,
    ];
    const answers = await Promise.all(paths.map((guess) => raw(host.port, { path: guess })));
    clock.now += HOUR;
    answers.push(await raw(host.port, { path }));
    for (const { status, text } of answers) {
      expect({ status, text }).toEqual({
        status: 404,
        text: '{"error":"No such file, or it has expired. Call the tool again that made it."}',
      });
    }
  });

  it.each(['/files', '/files/', '/files/a/b/c', '/filesx/a'])('is not what is at %s', async (path) => {
    await using host = await hostWith(Buffer.from('hello'));
    expect((await raw(host.port, { path })).status).toBe(401);
  });

  it('is not offered where there are no files', async () => {
    await using host = await runHost();
    expect((await raw(host.port, { path: `/files/${'0'.repeat(47)}/a` })).text).toContain('Nothing is here');
  });

  it('is given to no other site: Host and Origin are checked', async () => {
    await using host = await hostWith(Buffer.from('hello'), { publicHost: 'bridge.example.com' });
    const ask = async (headers: Record<string, string>) =>
      (await raw(host.port, { path: host.path, headers })).status;
    expect(await ask({ Host: 'evil.example' })).toBe(403);
    expect(await ask({ Origin: 'https://evil.example' })).toBe(403);
    expect(await ask({ Host: 'bridge.example.com' })).toBe(200);
    expect(await ask({ Host: 'bridge.example.com:8443' })).toBe(200);
  });
});

describe('a part of a file', () => {
  const body = Buffer.from('0123456789');

  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=-100', '0123456789', 'bytes 0-9/10'],
    ['bytes=9-100', '9', 'bytes 9-9/10'],
    ['Bytes=5-5', '5', 'bytes 5-5/10'],
  ])('%s is 206', async (range, text, part) => {
    await using host = await hostWith(body);
    const answer = await raw(host.port, { path: host.path, headers: { Range: range } });
    expect(answer).toMatchObject({ status: 206, text });
    expect(answer.headers).toMatchObject({ 'content-range': part, 'content-length': String(text.length) });
  });

  it.each(['bytes=10-', 'bytes=99-100', 'bytes=-0'])('%s is 416', async (range) => {
    await using host = await hostWith(body);
    const answer = await raw(host.port, { path: host.path, headers: { Range: range } });
    expect(answer).toMatchObject({ status: 416, text: '', headers: { 'content-range': 'bytes */10' } });
  });

  it.each(['bytes=0-1,3-4', 'bytes=5-2', 'bytes=-', 'bytes=a-b', 'lines=1-2', ''])(
    '%j gives the whole file',
    async (range) => {
      await using host = await hostWith(body);
      const answer = await raw(host.port, { path: host.path, headers: { Range: range } });
      expect(answer).toMatchObject({ status: 200, text: '0123456789' });
    },
  );

  it('is given on the condition that the file is the same', async () => {
    await using host = await hostWith(body);
    const { etag } = (await raw(host.port, { path: host.path })).headers;
    const ask = async (condition: string) =>
      (await raw(host.port, { path: host.path, headers: { Range: 'bytes=0-1', 'If-Range': condition } }))
        .status;
    expect([await ask(String(etag)), await ask('"another"')]).toEqual([206, 200]);
  });

  it('of an empty file is 416, and all of it is nothing', async () => {
    await using host = await hostWith(Buffer.alloc(0));
    const answer = await raw(host.port, { path: host.path, headers: { Range: 'bytes=0-' } });
    expect(answer.status).toBe(416);
    expect(await raw(host.port, { path: host.path })).toMatchObject({ status: 200, text: '' });
  });

  it('is what was asked for at the ends of the numbers', () => {
    expect(requestedRange('bytes=0-99999999999999999999', 5)).toEqual({ first: 0, last: 4 });
    expect(requestedRange('bytes=99999999999999999999-', 5)).toBe('unsatisfiable');
    expect(requestedRange(undefined, 5)).toBeUndefined();
  });
});

describe('while a file is sent', () => {
  it('a client that goes away closes the file, and one that reads slowly is waited for', async () => {
    const size = 60_000_000;
    const { store } = testStore('directory', { maxBytes: 100_000_000 });
    const about = { name: 'a.bin', mimeType: 'a/b', principal: 'ada' };
    const file = await store.put(chunks(Buffer.alloc(size, 1)), about);
    const path = downloadPath((await store.downloadKey(file.uri, 'ada')) ?? '', file.name);
    let sent = 0;
    const files = {
      async findByDownloadKey(key: string) {
        const found = await store.findByDownloadKey(key);
        const counted = async function* () {
          for await (const chunk of found?.read() ?? []) {
            sent += chunk.length;
            yield chunk;
          }
        };
        return found && { ...found, read: counted };
      },
    };
    await using host = await runHost({ files });
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    const [slow, gone] = await Promise.all(
      [1, 2].map(async () => {
        const asked = request({ port: host.port, host: '127.0.0.1', path, agent: false }).end();
        const [response] = (await once(asked, 'response')) as [IncomingMessage];
        await once(response, 'readable');
        return { asked, response };
      }),
    );
    gone?.asked.destroy();
    // Buffers of the connections hold some of it; as long as nobody reads, nothing more is taken from the file.
    await expect.poll(open).toBeLessThan(before + 6);
    expect(sent).toBeLessThan(size);
    let received = 0;
    for await (const chunk of slow?.response ?? []) received += (chunk as Buffer).length;
    expect(received).toBe(size);
    await expect.poll(open).toBeLessThanOrEqual(before);
  });

  it('a file that is evicted meanwhile still arrives whole', async () => {
    await using host = await hostWith(randomBytes(60_000_000));
    const asked = request({ port: host.port, host: '127.0.0.1', path: host.path, agent: false }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    await once(response, 'readable');
    await host.store.put(chunks(Buffer.alloc(99_000_000)), { name: 'b', mimeType: 'a/b', principal: 'bob' });
    expect(await host.store.find(host.file.uri, 'ada')).toBeUndefined();
    let received = 0;
    for await (const chunk of response) received += (chunk as Buffer).length;
    expect(received).toBe(60_000_000);
  });
});

describe('a name in a header', () => {
  it('stays in its place, whatever it is', () => {
    expect(attachment('a\\"b')).toBe(`attachment; filename="a__b"; filename*=UTF-8''a%5C%22b`);
    expect(attachment('é')).toBe(`attachment; filename="_"; filename*=UTF-8''%C3%A9`);
  });
});
