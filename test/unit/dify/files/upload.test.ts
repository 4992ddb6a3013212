import { afterEach, describe, expect, test } from 'vitest';
import { detectFileKind } from '../../../../src/dify/files/kind.ts';
import { createFileUploader } from '../../../../src/dify/files/upload.ts';
import type { FileUpload } from '../../../../src/model/ports.ts';
import { bodyOf, recording, sharedNote } from '../../../support/shared.ts';
import {
  FILE_ID,
  idleSignal,
  INNER_KEY,
  type Loopback,
  loopback,
  sendJson,
  streamOf,
  TENANT,
} from '../../../support/dify-wire.ts';
import { errorOf } from '../../../support/error-of.ts';

const QUERY = '?timestamp=1&nonce=n&sign=fake-signature=&user_id=u&tenant_id=t';
const UPLOAD_PATH = `/files/upload/for-plugin${QUERY}`;
const PREVIEW = `http://dify.invalid/files/tools/${FILE_ID}.png?timestamp=1&nonce=n&sign=s`;
const BYTES = Buffer.from('89504e47', 'hex');
const FILE: FileUpload = {
  filename: 'p.png',
  mimeType: 'image/png',
  size: 4,
  read: () => streamOf([BYTES.subarray(0, 3), BYTES.subarray(3)]),
};
const FORBIDDEN = { code: 'forbidden', message: 'Invalid request.', status: 403 };
const STORED = {
  id: FILE_ID,
  name: 'p.png',
  size: 4,
  extension: '.png',
  mime_type: 'image/png',
  created_by: null,
  preview_url: PREVIEW,
  tenant_id: TENANT,
  file_key: 'tools/x/y.png',
};

interface Seen {
  readonly url: string;
  readonly key: string | string[] | undefined;
  readonly type: string | undefined;
  readonly body: Buffer;
}

let server: Loopback | undefined;
let seen: Seen[] = [];

afterEach(async () => {
  await server?.close();
  server = undefined;
  seen = [];
});

interface Answers {
  readonly address?: string;
  readonly request?: readonly [status: number, body: unknown];
  readonly upload?: readonly [status: number, body: unknown];
  /** Before these, uploads are refused as if their address had expired. */
  readonly expired?: number;
  readonly prefix?: string;
}

async function serve(answers: Answers = {}): Promise<Loopback> {
  const { address = `http://dify.invalid:5001${UPLOAD_PATH}`, prefix = '', expired = 0 } = answers;
  const { request: first = [200, { data: { url: address }, error: '' }], upload = [201, STORED] } = answers;
  server = await loopback((request, response, body) => {
    const { url = '', headers } = request;
    seen.push({ url, key: headers['x-inner-api-key'], type: headers['content-type'], body });
    const uploads = seen.filter((one) => !one.url.startsWith(`${prefix}/inner/`)).length;
    const answer = uploads <= expired ? ([403, FORBIDDEN] as const) : upload;
    sendJson(response, ...(url.startsWith(`${prefix}/inner/`) ? first : answer));
  }, prefix);
  return server;
}

function upload({ http }: Loopback, file = FILE) {
  const uploader = createFileUploader(http, { innerApiKey: INNER_KEY, tenantId: TENANT });
  return uploader.upload(file, idleSignal());
}

test('asks for an address, sends the bytes there, answers the object for all tool kinds', async () => {
  expect(await upload(await serve())).toEqual({
    dify_model_identity: '__dify__file__',
    tenant_id: TENANT,
    type: 'image',
    transfer_method: 'tool_file',
    tool_file_id: FILE_ID,
    related_id: FILE_ID,
    url: PREVIEW,
    filename: 'p.png',
    extension: '.png',
    mime_type: 'image/png',
    size: 4,
  });
  const [request, form] = seen;
  expect(request).toMatchObject({ url: '/inner/api/upload/file/request', key: INNER_KEY });
  expect(JSON.parse(String(request?.body))).toEqual({
    tenant_id: TENANT,
    user_id: '',
    filename: 'p.png',
    mimetype: 'image/png',
  });
  expect(form?.url).toBe(UPLOAD_PATH);
  expect(form?.key).toBeUndefined();
  expect(form?.body.toString('latin1')).toContain(
    'Content-Disposition: form-data; name="file"; filename="p.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n',
  );
});

test.each([
  ['a relative address', UPLOAD_PATH, ''],
  ['an address below a prefix of Dify', `https://dify.invalid/some${UPLOAD_PATH}`, ''],
  ['a base with a prefix', `https://dify.invalid${UPLOAD_PATH}`, '/dify'],
])('%s leads to our own base', async (_name, address, prefix) => {
  await upload(await serve({ address, prefix }));
  expect(seen[1]?.url).toBe(`${prefix}${UPLOAD_PATH}`);
});

test.each([
  ['a "quoted"\r\nname.txt', 'text/plain', 'a _quoted___name.txt', 'text/plain'],
  ['../../etc/passwd', '', '.._.._etc_passwd', 'application/octet-stream'],
  ['', 'Text/CSV; charset=utf-8', 'file', 'text/csv'],
  ['größe 漢字.md', 'text/markdown', 'größe 漢字.md', 'text/markdown'],
])(
  'name %j and type %j are the same in the address and in the form',
  async (filename, mimeType, name, type) => {
    await upload(await serve(), { ...FILE, filename, mimeType });
    expect(JSON.parse(String(seen[0]?.body))).toMatchObject({ filename: name, mimetype: type });
    expect(String(seen[1]?.body)).toContain(`filename="${name}"\r\nContent-Type: ${type}\r\n`);
  },
);

test('the form says its length, and carries the file as it is read', async () => {
  let length: string | undefined;
  server = await loopback((request, response, body) => {
    if (request.url?.startsWith('/inner/') === true) {
      sendJson(response, 200, { data: { url: UPLOAD_PATH }, error: '' });
      return;
    }
    length = request.headers['content-length'];
    expect(request.headers['transfer-encoding']).toBeUndefined();
    expect(Number(length)).toBe(body.length);
    sendJson(response, 201, STORED);
  });
  await upload(server);
  expect(length).toBeDefined();
});

describe('an address that has expired', () => {
  test('is asked for once more, and the file sent from its beginning', async () => {
    expect(await upload(await serve({ expired: 1 }))).toMatchObject({ tool_file_id: FILE_ID });
    expect(seen.map(({ url }) => url.split('?')[0])).toEqual([
      '/inner/api/upload/file/request',
      '/files/upload/for-plugin',
      '/inner/api/upload/file/request',
      '/files/upload/for-plugin',
    ]);
    const [, first, , second] = seen;
    const content = (one?: Seen): string =>
      one?.body.toString('latin1').split('\r\n\r\n')[1]?.slice(0, 4) ?? '';
    expect([content(first), content(second)]).toEqual(['\x89PNG', '\x89PNG']);
  });

  test('a second time is reported, without the address', async () => {
    const error = await errorOf(upload(await serve({ expired: 2 })));
    expect(error).toMatchObject({ code: 'upstream_rejected' });
    expect(error.toText()).toMatch(/even at a new address.*clocks/s);
    expect(seen).toHaveLength(4);
  });
});

test.each([
  ['shorter', 5],
  ['longer', 3],
])('a file that turns out %s than it was is not stored', async (_, size) => {
  const error = await errorOf(upload(await serve(), { ...FILE, size }));
  expect(error).toMatchObject({
    code: 'file_refused',
    message: 'The file changed while the bridge read it.',
  });
});

test('an empty file is a file', async () => {
  const empty = { ...FILE, size: 0, read: () => streamOf([]) };
  expect(await upload(await serve({ upload: [201, { ...STORED, size: 0 }] }), empty)).toMatchObject({
    size: 0,
  });
  expect(seen[1]?.body.toString('latin1')).toContain('Content-Type: image/png\r\n\r\n\r\n--');
});

test('a web address goes to Dify as it is', async () => {
  const { http } = await serve();
  const uploader = createFileUploader(http, { innerApiKey: INNER_KEY, tenantId: TENANT });
  const url = 'https://example.com/a.pdf';
  expect(uploader.refer({ url, filename: 'a.pdf', mimeType: 'application/pdf' })).toEqual({
    dify_model_identity: '__dify__file__',
    tenant_id: TENANT,
    type: 'document',
    transfer_method: 'remote_url',
    url,
    remote_url: url,
    filename: 'a.pdf',
    extension: '.pdf',
    mime_type: 'application/pdf',
  });
  expect(seen).toEqual([]);
});

describe('answers of other versions', () => {
  test('no preview address before 1.3', async () => {
    const { preview_url: _preview, ...stored } = STORED;
    expect(await upload(await serve({ upload: [201, stored] }))).not.toHaveProperty('url');
  });

  test('a preview address without a host gets ours', async () => {
    const preview = `/files/tools/${FILE_ID}.png?sign=s`;
    const dify = await serve({ upload: [201, { ...STORED, preview_url: preview }], prefix: '/dify' });
    expect(await upload(dify)).toMatchObject({ url: `${dify.url}${preview}` });
  });

  test('an answer with the id alone', async () => {
    expect(await upload(await serve({ upload: [201, { id: FILE_ID }] }))).toMatchObject({
      tool_file_id: FILE_ID,
      filename: 'p.png',
      extension: '.png',
      mime_type: 'image/png',
      size: 4,
      type: 'image',
    });
  });
});

describe('an upload that Dify does not take', () => {
  const notFound = { code: 'not_found', message: 'no', status: 404 };

  test.each<[string, Answers, string]>([
    ['a wrong key', { request: [404, notFound] }, 'upstream_unauthorized'],
    [
      'an unknown workspace',
      { request: [400, { code: 'invalid_param', message: 'm' }] },
      'upstream_rejected',
    ],
    ['no address', { request: [200, { data: {}, error: 'disk full' }] }, 'upstream_error'],
    ['no object', { request: [200, []] }, 'upstream_error'],
    ['a refused upload', { upload: [403, { code: 'forbidden', message: 'm' }] }, 'upstream_rejected'],
    ['an upload without id', { upload: [201, { name: 'x' }] }, 'upstream_error'],
    ['an upload too large for nginx', { upload: [413, {}] }, 'upstream_rejected'],
    ['a failed upload', { upload: [500, { code: 'unknown', message: 'm' }] }, 'upstream_error'],
  ])('is an error: %s', async (_name, answers, code) => {
    const error = await errorOf(upload(await serve(answers)));
    expect(error.code).toBe(code);
    expect(`${error.toText()} ${JSON.stringify(error.upstream)}`).not.toContain('fake-signature');
  });

  test('what Dify says of the key that it got is not repeated', async () => {
    const answer = { data: {}, error: `no such key: ${INNER_KEY}` };
    const error = await errorOf(upload(await serve({ request: [200, answer] })));
    expect(error.message).toBe('Dify gave no address for the upload. Dify said: no such key: [redacted]');
  });

  test('an abort closes the request', async () => {
    const controller = new AbortController();
    server = await loopback(() => controller.abort());
    const uploader = createFileUploader(server.http, { innerApiKey: INNER_KEY, tenantId: TENANT });
    expect((await errorOf(uploader.upload(FILE, controller.signal))).code).toBe('cancelled');
    await server.closed(0);
  });
});

test.each([
  ['.png', '', 'image'],
  ['JPG', '', 'image'],
  ['.svg', 'image/svg+xml', 'image'],
  ['.mp3', '', 'audio'],
  ['.bin', 'audio/wav', 'audio'],
  ['.mov', '', 'video'],
  ['.bin', 'video/x-msvideo', 'video'],
  ['.pdf', '', 'document'],
  ['.MD', '', 'document'],
  ['.py', 'text/x-python', 'document'],
  ['', 'application/pdf', 'document'],
  ['.json', 'application/json', 'custom'],
  ['.zip', 'application/zip', 'custom'],
  ['.Png', 'application/octet-stream', 'custom'],
  ['constructor', '', 'custom'],
])('extension %j with type %j is %s', (extension, mimeType, kind) => {
  expect(detectFileKind(extension, mimeType)).toBe(kind);
});

test(`the recorded upload gives the object that was recorded as an argument${sharedNote}`, async () => {
  const stored = recording('files/upload');
  const used = recording('invoke/plugin-file-parameter');
  if (stored === undefined || used === undefined) return;
  const dify = await serve({ upload: [201, JSON.parse(Buffer.from(bodyOf(stored)).toString()) as unknown] });
  const body = used.request.body as { tenant_id: string; tool_parameters: { f: unknown } };
  const uploader = createFileUploader(dify.http, { innerApiKey: INNER_KEY, tenantId: body.tenant_id });
  expect(await uploader.upload(FILE, idleSignal())).toEqual(body.tool_parameters.f);
});
