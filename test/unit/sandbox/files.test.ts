import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSandboxFiles, StoredFile } from '../../../src/sandbox/files.ts';
import { readFilePart } from '../../../src/sandbox/multipart.ts';
import { createSigner, LINK_LIFETIME_SECONDS, queryString } from '../../../src/sandbox/signing.ts';
import { startSandbox, upload, uploadLink } from '../../support/sandbox-client.ts';

describe('uploads', () => {
  it('take names that are not English, and a charset after the media type', async () => {
    const sandbox = await startSandbox();
    const response = await upload(
      sandbox,
      new File(['content'], 'Grüße 漢字.txt', { type: 'text/plain; charset=utf-8' }),
      'text/plain',
    );
    expect(response.status).toBe(201);
    const file = (await response.json()) as { name: string; preview_url: string };
    expect(file.name).toBe('Grüße 漢字.txt');
    const attachment = await fetch(`${file.preview_url}&as_attachment=true`);
    expect(attachment.headers.get('content-disposition')).toBe(
      `attachment; filename*=UTF-8''${encodeURIComponent('Grüße 漢字.txt')}`,
    );
    expect(await attachment.text()).toBe('content');
  });

  it('refuse another media type, a body without file, and a link that is cut', async () => {
    const sandbox = await startSandbox();
    expect(
      (await upload(sandbox, new File(['content'], 'a.txt', { type: 'text/html' }), 'text/plain')).status,
    ).toBe(403);
    const asked = await uploadLink(sandbox, { filename: 'a.txt', mimetype: 'text/plain' });
    const { data } = (await asked.json()) as { data: { url: string } };
    const form = new FormData();
    form.append('other', 'value');
    const without = await fetch(data.url, { method: 'POST', body: form });
    expect([without.status, await without.json()]).toEqual([
      403,
      { code: 'forbidden', message: 'File is required.', status: 403 },
    ]);
    expect((await fetch(data.url, { method: 'POST', body: 'no form' })).status).toBe(403);
    const cut = await fetch(data.url.replace(/&sign=[^&]*/, ''), { method: 'POST', body: form });
    expect(cut.status).toBe(400);
  });

  it('are refused before a link is made, as an invocation is', async () => {
    const sandbox = await startSandbox();
    expect((await uploadLink(sandbox, { filename: 'a.txt' })).status).toBe(400);
    expect((await uploadLink(sandbox, { filename: 'a.txt', mimetype: 'x', tenant_id: '' })).status).toBe(400);
    expect((await uploadLink(sandbox, { filename: 'a.txt', mimetype: 'x', user_id: 'me' })).status).toBe(400);
  });
});

describe('downloads', () => {
  it('never show HTML as a page', async () => {
    const sandbox = await startSandbox();
    const file = (await (
      await upload(sandbox, new File(['content'], 'page.html', { type: 'text/html' }))
    ).json()) as { preview_url: string };
    const response = await fetch(file.preview_url);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('content-disposition')).toContain('attachment');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('say the charset of a text, and no length of an empty file', async () => {
    const sandbox = await startSandbox();
    const headersOf = async (file: File): Promise<readonly (string | null)[]> => {
      const stored = (await (await upload(sandbox, file)).json()) as { preview_url: string };
      const { headers } = await fetch(stored.preview_url);
      return [headers.get('content-type'), headers.get('content-length')];
    };
    expect(await headersOf(new File(['a,b'], 'a.csv', { type: 'text/csv' }))).toEqual([
      'text/csv; charset=utf-8',
      '3',
    ]);
    expect(await headersOf(new File(['%PDF'], 'a.pdf', { type: 'application/pdf' }))).toEqual([
      'application/pdf',
      '4',
    ]);
    expect(await headersOf(new File([], 'a.txt', { type: 'text/plain' }))).toEqual([
      'text/plain; charset=utf-8',
      null,
    ]);
  });

  it.each([
    ['1.12.1', 415, 'unsupported_file_type'],
    ['1.16.0', 404, 'not_found'],
  ])('of a file that is gone are answered by %s with %i', async (version, status, code) => {
    const sandbox = await startSandbox({ version });
    const id = 'aaaaaaaa-0000-4000-8000-000000000000';
    const query = queryString(createSigner(sandbox.credentials.secretKey).download(id));
    const response = await fetch(`${sandbox.url}/files/tools/${id}.pdf?${query}`);
    expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ code })]);
    // Without an extension it is no route at all.
    const page = await fetch(`${sandbox.url}/files/tools/${id}?${query}`);
    expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
  });

  it('do not care for the extension, but for a timestamp that is a number', async () => {
    const sandbox = await startSandbox();
    const file = (await (
      await upload(sandbox, new File(['content'], 'a.txt', { type: 'text/plain' }))
    ).json()) as { preview_url: string };
    expect((await fetch(file.preview_url.replace('.txt?', '.exe?'))).status).toBe(200);
    const response = await fetch(file.preview_url.replace(/timestamp=\d+/, 'timestamp=soon'));
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('int_parsing');
  });
});

describe('signatures', () => {
  it('last five minutes and do not mind the future', () => {
    let now = 1_800_000_000_000;
    const signer = createSigner('sandbox-secret', () => now);
    const query = signer.download('id');
    for (const [seconds, valid] of [
      [0, true],
      [LINK_LIFETIME_SECONDS, true],
      [LINK_LIFETIME_SECONDS + 1, false],
      [-100_000, true],
    ] as const) {
      now = 1_800_000_000_000 + seconds * 1000;
      expect([seconds, signer.downloadIsValid('id', query)]).toEqual([seconds, valid]);
    }
    expect(signer.downloadIsValid('other', query)).toBe(false);
    expect(createSigner('other-secret', () => now).downloadIsValid('id', query)).toBe(false);
  });

  it('are URL-safe Base64 with padding', () => {
    const { sign, nonce, timestamp } = createSigner('sandbox-secret').download('id');
    expect(sign).toMatch(/^[\w-]{43}=$/);
    expect(queryString({ sign, nonce, timestamp })).toBe(
      `timestamp=${timestamp}&nonce=${nonce}&sign=${sign}`,
    );
  });
});

describe('the file store', () => {
  it('lets the oldest files go when it is full, but never the new one', () => {
    const files = createSandboxFiles((file) => file.path, 10);
    const [first, second] = [files.put(new Uint8Array(6)), files.put(new Uint8Array(4))];
    const third = files.put(new Uint8Array(1));
    expect([files.get(first.id), files.get(second.id), files.get(third.id)]).toEqual([
      undefined,
      second,
      third,
    ]);
    const large = files.put(new Uint8Array(100));
    expect([files.get(third.id), files.get(large.id)]).toEqual([undefined, large]);
  });

  it.each([
    ['photo.JPG', 'image/jpeg', '.jpg', 'image'],
    ['photo.JPG', 'application/octet-stream', '.bin', 'custom'],
    ['sound', 'audio/wav', '.bin', 'audio'],
    ['notes.md', 'text/markdown', '.md', 'document'],
    ['data.json', 'application/json', '.json', 'custom'],
    ['script.py', 'text/x-python', '.bin', 'document'],
    [undefined, undefined, '.bin', 'custom'],
  ])('sees in %s of type %s the extension %s and the kind %s', (filename, mimeType, extension, kind) => {
    const file = new StoredFile(new Uint8Array(1), { filename, mimeType });
    expect([file.extension, file.kind]).toEqual([extension, kind]);
    expect(file.filename.length).toBeGreaterThan(0);
  });

  it('keeps large files on disk, as they come, and removes them', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
    const onDisk = async (): Promise<number> => {
      const names = await readdir(parent, { recursive: true, withFileTypes: true });
      return names.filter((entry) => entry.isFile()).length;
    };
    const files = createSandboxFiles((file) => file.path, 200_000, parent);
    const chunk = new Uint8Array(50_000).fill(7);
    const stored = await files.receive(streamOf([chunk, chunk]), { filename: 'a.bin' });
    expect([stored.size, Buffer.from(stored.bytes).equals(Buffer.alloc(100_000, 7))]).toEqual([
      100_000,
      true,
    ]);
    expect(Buffer.concat(await collect(stored.read())).length).toBe(100_000);
    files.put(new Uint8Array(150_000));
    expect([files.get(stored.id), await onDisk()]).toEqual([undefined, 1]);
    await expect(files.receive(failing(), {})).rejects.toThrow('cut off');
    expect(await onDisk()).toBe(1);
    files.close();
    expect(await readdir(parent)).toEqual([]);
    await rm(parent, { recursive: true });
  });
});

describe('a form that streams in', () => {
  const BODY = Buffer.from(
    '--b1\r\nContent-Disposition: form-data; name="file"; filename="Grüße 漢字.txt"\r\n' +
      'Content-Type: text/plain; charset=utf-8\r\n\r\nno\r\n--b\r\nend\r\n--b1--\r\n',
  );

  it('is the same wherever its chunks are cut', async () => {
    for (let at = 0; at <= BODY.length; at += 1) {
      const part = await readFilePart(
        streamOf([BODY.subarray(0, at), BODY.subarray(at)]),
        'multipart/form-data; boundary=b1',
      );
      const chunks = await collect(part?.bytes ?? streamOf([]));
      expect([part?.filename, part?.mimeType, Buffer.concat(chunks).toString()]).toEqual([
        'Grüße 漢字.txt',
        'text/plain',
        'no\r\n--b\r\nend',
      ]);
    }
  });

  it.each([
    ['no boundary', BODY, 'multipart/form-data'],
    ['another boundary', BODY, 'multipart/form-data; boundary=b2'],
    ['nothing', Buffer.alloc(0), 'multipart/form-data; boundary=b1'],
    ['a head without end', Buffer.alloc(40_000, 'a'), 'multipart/form-data; boundary=b1'],
  ])('has no file with %s', async (_what, body, type) => {
    expect(await readFilePart(streamOf([body]), type)).toBeUndefined();
  });

  it('fails where it ends too early', async () => {
    const part = await readFilePart(streamOf([BODY.subarray(0, -8)]), 'multipart/form-data; boundary=b1');
    await expect(collect(part?.bytes ?? streamOf([]))).rejects.toThrow('in the middle');
  });
});

it('upload links can be made to have expired', async () => {
  const sandbox = await startSandbox();
  sandbox.expireUploads(1);
  const file = new File(['content'], 'a.txt', { type: 'text/plain' });
  expect((await upload(sandbox, file)).status).toBe(403);
  expect((await upload(sandbox, file)).status).toBe(201);
});

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new Uint8Array(10));
  throw new Error('cut off');
}
