import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ResourceOptions } from '../../../src/mcp/resources.ts';
import type { StoredFile } from '../../../src/model/stored-file.ts';
import { chunks, HOUR, put, testStore } from '../../support/file-stores.ts';
import { runHost } from '../../support/http-host.ts';
import { CLIENT_KINDS, type ClientKind, connectClient } from '../../support/mcp-clients.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { callRequest, modernRequest, openRawSession, raw } from '../../support/raw-http.ts';

/** Whose requests those of a host without a token are. */
const CALLER = 'anonymous';

async function hostWith(options: Partial<ResourceOptions> = {}) {
  const { store, clock } = testStore('directory', { maxBytes: 20_000_000 });
  const resources = {
    files: store,
    accessOf: async ({ uri }: StoredFile) => ({ uri, url: 'https://bridge.example.com/files/KEY/a' }),
    maxReadBytes: 1_000_000,
    ...options,
  };
  const logger = recordingLogger();
  const host = await runHost({ resources, logger });
  onTestFinished(() => host.host.close(0));
  const connect = async (kind: ClientKind) => {
    const client = await connectClient(kind, { url: host.url });
    onTestFinished(() => client.close());
    return client;
  };
  return { ...host, store, clock, logger, connect };
}

describe.each(CLIENT_KINDS)('the resources of a client (%s)', (kind) => {
  it('are its own files, the newest first', async () => {
    const { store, clock, connect } = await hostWith();
    const client = await connect(kind);
    expect(client.capabilities).toMatchObject({ resources: {} });
    expect(client.capabilities).not.toHaveProperty('resources.listChanged');
    expect(client.capabilities).not.toHaveProperty('resources.subscribe');
    expect((await client.listResources()).resources).toEqual([]);
    const older = await put(store, 'old', 'old.txt', CALLER);
    await put(store, 'not yours', 'secret.txt', 'token-of-somebody');
    clock.now += 1000;
    const newer = await put(store, 'newer', '新 报告.txt', CALLER);
    const page = await client.listResources();
    expect(page.resources).toEqual([
      {
        uri: newer.uri,
        name: '新 报告.txt',
        mimeType: 'text/plain',
        size: 5,
        description: `A file from a tool's result, stored until ${newer.expiresAt.toISOString()}.`,
      },
      expect.objectContaining({ uri: older.uri, size: 3 }),
    ]);
    expect((await client.listTemplates()).resourceTemplates).toEqual([]);
    clock.now += HOUR;
    expect((await client.listResources()).resources).toEqual([]);
  });

  it('are read as text where they are text, and as bytes otherwise', async () => {
    const { store, connect } = await hostWith();
    const client = await connect(kind);
    const bytes = randomBytes(1000);
    const rows: [string, Uint8Array, { text?: string; blob?: string; mimeType?: string }][] = [
      ['text/csv', Buffer.from('\ufeffname,ü\n'), { text: '\ufeffname,ü\n' }],
      ['application/json', Buffer.from('{"a":1}'), { text: '{"a":1}' }],
      // What a browser would run is plain text, as it is in a result.
      ['image/svg+xml', Buffer.from('<svg/>'), { text: '<svg/>', mimeType: 'text/plain' }],
      ['text/html', Buffer.from('<p>'), { text: '<p>', mimeType: 'text/plain' }],
      ['text/plain', Buffer.alloc(0), { text: '' }],
      ['text/csv', Buffer.from('\ufeffname,ü\n', 'utf16le'), { text: 'name,ü\n' }],
      ['text/plain', Buffer.from([0xff, 0xfe]), { blob: '//4=' }],
      ['image/png', bytes, { blob: bytes.toString('base64') }],
    ];
    for (const [mimeType, body, expected] of rows) {
      const { uri } = await store.put(chunks(body), { name: 'a', mimeType, principal: CALLER });
      expect((await client.readResource(uri)).contents).toEqual([{ uri, mimeType, ...expected }]);
    }
  });

  it.each(['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/javascript'])(
    'are plain text when a browser would run them: %s',
    async (mimeType) => {
      const { store, connect } = await hostWith();
      const client = await connect(kind);
      const script = '<script>alert(1)</script>';
      const about = { name: 'a', mimeType, principal: CALLER };
      const { uri } = await store.put(chunks(Buffer.from(script)), about);
      const { contents } = await client.readResource(uri);
      expect(contents).toEqual([{ uri, mimeType: 'text/plain', text: script }]);
      expect((await client.listResources()).resources).toMatchObject([{ uri, mimeType: 'text/plain' }]);
    },
  );

  it('are not found in one and the same way, whatever the reason', async () => {
    const { store, clock, connect, logger } = await hostWith();
    const client = await connect(kind);
    const foreign = await put(store, 'x', 'a.txt', 'token-of-somebody');
    const expired = await put(store, 'x', 'a.txt', CALLER);
    clock.now += HOUR;
    const uris = [foreign.uri, expired.uri, `dify-file://${'0'.repeat(25)}/a.txt`, 'test://nonexistent', ''];
    for (const uri of uris) {
      const failure = client.readResource(uri);
      await expect(failure, uri).rejects.toMatchObject({
        // SEP-2164 and both SDKs: in either era the code of wrong parameters, with the URI alone as data.
        code: -32_602,
        data: { uri },
        message: expect.stringContaining('Unknown file: the URI is wrong, or the file expired, was evicted'),
      });
    }
    expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('are not read beyond the limit: the answer says how large, and how to get them', async () => {
    const { store, connect } = await hostWith();
    const client = await connect(kind);
    const about = { name: 'film.mp4', mimeType: 'video/mp4', principal: CALLER };
    const exact = await store.put(chunks(Buffer.alloc(1_000_000)), about);
    expect((await client.readResource(exact.uri)).contents).toHaveLength(1);
    const { uri } = await store.put(chunks(Buffer.alloc(1_000_001), Buffer.alloc(1_000_000)), about);
    await expect(client.readResource(uri)).rejects.toMatchObject({
      code: -32_602,
      data: { code: 'file_too_large' },
      message: expect.stringContaining(
        'film.mp4 has 2 MB; resources/read returns files of up to 1 MB.\nDownload it from https://bridge.example.com/files/KEY/a.',
      ),
    });
  });

  it('come in pages whose cursors stay good while files come and go', async () => {
    const { store, clock, connect } = await hostWith({ pageSize: 2 });
    const client = await connect(kind);
    const files: StoredFile[] = [];
    for (let index = 0; index < 5; index += 1) {
      files.push(await put(store, 'x', `${index}.txt`, CALLER));
      // Two of them are of the same moment.
      if (index !== 2) clock.now += 1000;
    }
    const first = await client.listResources();
    await put(store, 'x', 'late.txt', CALLER);
    const second = await client.listResources(first.nextCursor);
    const third = await client.listResources(second.nextCursor);
    const pages = [first, second, third].map(({ resources }) => resources.map(({ uri }) => uri));
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(new Set(pages.flat())).toEqual(new Set(files.map(({ uri }) => uri)));
    expect(third.nextCursor).toBeUndefined();
    for (const cursor of [
      'nonsense',
      Buffer.from('after:echo').toString('base64url'),
      `${first.nextCursor}A`,
    ]) {
      await expect(client.listResources(cursor), cursor).rejects.toMatchObject({
        code: -32_602,
        message: expect.stringContaining('The cursor of resources/list'),
      });
    }
  });
});

describe('a failing store', () => {
  it('is reported without its details, which are in the log', async () => {
    const { store } = testStore('memory');
    const broken = { ...store, list: () => Promise.reject(new Error('disk of the operator')) };
    const { connect, logger } = await hostWith({ files: broken });
    const client = await connect('v1');
    await expect(client.listResources()).rejects.toMatchObject({
      code: -32_603,
      message: expect.not.stringContaining('disk'),
    });
    expect(JSON.stringify(logger.lines)).toContain('An MCP request failed');
  });

  it('that loses the file while it is read says the same as for one that is not there', async () => {
    const { store } = testStore('memory');
    const file = await put(store, 'x', 'a.txt', CALLER);
    const { connect } = await hostWith({
      files: { ...store, find: async () => ({ ...file, uri: 'dify-file://gone' }) },
    });
    const client = await connect('v1');
    await expect(client.readResource(file.uri)).rejects.toMatchObject({
      code: -32_602,
      data: { uri: file.uri },
    });
  });
});

describe('what a client may keep', () => {
  it('is stated in the 2026 revision, and not in the older ones', async () => {
    const { store, port } = await hostWith();
    const { uri } = await put(store, 'x', 'a.txt', CALLER);
    const ask = async (method: string, params: Record<string, unknown> = {}) => {
      const request = modernRequest(method, params);
      const headers = { ...request.headers, ...(params['uri'] !== undefined && { 'Mcp-Name': uri }) };
      const { messages } = await raw(port, { ...request, headers });
      return messages[0]?.result;
    };
    expect(await ask('resources/list')).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
    expect(await ask('resources/templates/list')).toMatchObject({ ttlMs: 3_600_000, cacheScope: 'private' });
    expect(await ask('resources/read', { uri })).toMatchObject({ ttlMs: 60_000, cacheScope: 'private' });
    const headers = await openRawSession(port);
    const body = { ...callRequest(''), method: 'resources/list', params: {} };
    const { messages } = await raw(port, { headers, body });
    expect(messages[0]?.result).not.toHaveProperty('ttlMs');
  });
});
