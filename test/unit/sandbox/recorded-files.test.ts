import { describe, expect, it } from 'vitest';
import { createSigner, queryString, type SignedQuery } from '../../../src/sandbox/signing.ts';
import { type Recording, recording, recordings, sharedIsPresent, sharedNote } from '../../support/shared.ts';
import { startSandbox } from '../../support/sandbox-client.ts';
import { shapeDifferences } from '../../support/json-shapes.ts';

/** The secret key of the recorded installation, as its recordings say. */
const RECORDED_SECRET = 'sk-test-secret';

describe(`recorded file exchanges${sharedNote}`, () => {
  it(`finds recordings to replay${sharedNote}`, () => {
    expect(recordings('files').length > 5).toBe(sharedIsPresent);
  });

  it.runIf(sharedIsPresent)('accepts the recorded download signatures, and only the good ones', () => {
    for (const [name, valid] of [
      ['files/download-signed', true],
      ['files/download-as-attachment', true],
      ['files/download-unknown', true],
      ['files/download-expired', false],
      ['files/download-bad-signature', false],
    ] as const) {
      const url = urlOf(name);
      const id = /tools\/([\w-]+)\./.exec(url.pathname)?.[1] ?? '';
      const accepted = signerAt('files/download-signed').downloadIsValid(id, queryOf(url));
      expect([name, accepted]).toEqual([name, valid]);
    }
  });

  it.runIf(sharedIsPresent)('accepts the recorded upload signature for that file only', () => {
    const url = urlOf('files/upload');
    const grant = {
      filename: 'p.png',
      mimeType: 'image/png',
      tenantId: url.searchParams.get('tenant_id') ?? '',
      userId: url.searchParams.get('user_id') ?? '',
    };
    const signer = signerAt('files/upload');
    expect(signer.uploadIsValid(grant, queryOf(url))).toBe(true);
    expect(signer.uploadIsValid({ ...grant, filename: 'q.png' }, queryOf(url))).toBe(false);
  });

  it.runIf(sharedIsPresent)('answers each exchange as recorded', async () => {
    const sandbox = await startSandbox({ version: '1.12.1' });
    const asked = known('files/upload-request');
    const request = await fetch(`${sandbox.url}${asked.request.path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-inner-api-key': sandbox.credentials.innerApiKey },
      body: JSON.stringify({
        ...(asked.request.body as object),
        tenant_id: sandbox.credentials.workspaceId,
      }),
    });
    const link = (await request.json()) as { data: { url: string } };
    expect(shapeDifferences(link, asked.response.json)).toEqual([]);
    const recordedLink = new URL((asked.response.json as typeof link).data.url);
    expect([...new URL(link.data.url).searchParams.keys()]).toEqual([...recordedLink.searchParams.keys()]);

    await expectAnswer(send(link.data.url, known('files/upload-wrong-name')), 'files/upload-wrong-name');
    const stored = await send(link.data.url, known('files/upload'));
    expect(stored.status).toBe(201);
    const file = (await stored.json()) as { id: string; preview_url: string };
    const recordedFile = recording('files/upload')?.response.json as Record<string, unknown>;
    expect(shapeDifferences(file, recordedFile)).toEqual([]);
    expect(file).toMatchObject({ name: 'p.png', size: 70, extension: '.png', mime_type: 'image/png' });

    const signer = createSigner(sandbox.credentials.secretKey);
    const path = `${sandbox.url}/files/tools/${file.id}.png`;
    const good = `${path}?${queryString(signer.download(file.id))}`;
    await expectAnswer(fetch(good), 'files/download-signed');
    await expectAnswer(fetch(`${good}&as_attachment=true`), 'files/download-as-attachment');
    await expectAnswer(fetch(path), 'files/download-unsigned');
    await expectAnswer(fetch(good.replace(/sign=.../, 'sign=AAA')), 'files/download-bad-signature');
    const past = createSigner(sandbox.credentials.secretKey, () => Date.now() - 302_000);
    const old = queryString(past.download(file.id));
    await expectAnswer(fetch(`${path}?${old}`), 'files/download-expired');
    const unknown = queryString(signer.download('03c3d380-0000-4000-8000-000000000000'));
    const gone = `${sandbox.url}/files/tools/03c3d380-0000-4000-8000-000000000000.png?${unknown}`;
    await expectAnswer(fetch(gone), 'files/download-unknown');
  });
});

/** Compares status, the headers that describe the body, and the body. */
async function expectAnswer(pending: Promise<Response>, name: string): Promise<void> {
  const response = await pending;
  const expected = recording(name)?.response;
  const headers = ['content-type', 'content-disposition'];
  const bytes = Buffer.from(await response.arrayBuffer());
  const isFile = expected?.base64 !== undefined;
  const body: unknown = isFile ? bytes.toString('base64') : JSON.parse(bytes.toString());
  expect([name, response.status, ...headers.map((header) => response.headers.get(header)), body]).toEqual([
    name,
    expected?.status,
    ...headers.map((header) => expected?.headers[header] ?? null),
    isFile ? expected.base64 : expected?.json,
  ]);
}

/** Sends a recorded multipart body to a link of the sandbox. */
function send(url: string, entry: Recording): Promise<Response> {
  const { base64 } = entry.request.body as { base64: string };
  const headers = { 'content-type': entry.request.headers['content-type'] ?? '' };
  return fetch(url, { method: 'POST', headers, body: Buffer.from(base64, 'base64') });
}

function signerAt(name: string) {
  const at = Number(urlOf(name).searchParams.get('timestamp'));
  return createSigner(RECORDED_SECRET, () => (at + 5) * 1000);
}

function urlOf(name: string): URL {
  return new URL(recording(name)?.request.path ?? '', 'http://recorded.example');
}

function queryOf(url: URL): SignedQuery {
  const field = (key: string): string => url.searchParams.get(key) ?? '';
  return { timestamp: field('timestamp'), nonce: field('nonce'), sign: field('sign') };
}

function known(name: string): Recording {
  const entry = recording(name);
  if (entry === undefined) throw new Error(`There is no recording ${name}.`);
  return entry;
}
