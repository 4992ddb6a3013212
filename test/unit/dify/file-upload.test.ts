import { afterEach, describe, expect, test } from 'vitest';
import { detectFileKind } from '../../../src/dify/file-kind.ts';
import { createFileUploader } from '../../../src/dify/file-upload.ts';
import type { FileUpload } from '../../../src/model/ports.ts';
import { bodyOf, recording, sharedNote } from '../../support/shared.ts';
import {
  FILE_ID,
  faultOf,
  idleSignal,
  INNER_KEY,
  type Loopback,
  loopback,
  sendJson,
  TENANT,
} from './fixtures.ts';

const QUERY = '?timestamp=1&nonce=n&sign=fake-signature=&user_id=u&tenant_id=t';
const UPLOAD_PATH = `/files/upload/for-plugin${QUERY}`;
const PREVIEW = `http://dify.invalid/files/tools/${FILE_ID}.png?timestamp=1&nonce=n&sign=s`;
const FILE: FileUpload = { filename: 'p.png', mimeType: 'image/png', bytes: Buffer.from('89504e47', 'hex') };
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
  readonly prefix?: string;
}

async function serve(answers: Answers = {}): Promise<Loopback> {
  const { address = `http://dify.invalid:5001${UPLOAD_PATH}`, prefix = '' } = answers;
  const { request: first = [200, { data: { url: address }, error: '' }], upload = [201, STORED] } = answers;
  server = await loopback((request, response, body) => {
    const { url = '', headers } = request;
    seen.push({ url, key: headers['x-inner-api-key'], type: headers['content-type'], body });
    sendJson(response, ...(url.startsWith(`${prefix}/inner/`) ? first : upload));
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
    await upload(await serve(), { filename, mimeType, bytes: FILE.bytes });
    expect(JSON.parse(String(seen[0]?.body))).toMatchObject({ filename: name, mimetype: type });
    expect(String(seen[1]?.body)).toContain(`filename="${name}"\r\nContent-Type: ${type}\r\n`);
  },
);

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

describe('refusals', () => {
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
  ])('%s', async (_name, answers, code) => {
    const fault = await faultOf(upload(await serve(answers)));
    expect(fault.code).toBe(code);
    expect(`${fault.toText()} ${JSON.stringify(fault.upstream)}`).not.toContain('fake-signature');
  });

  test('an abort closes the request', async () => {
    const controller = new AbortController();
    server = await loopback(() => controller.abort());
    const uploader = createFileUploader(server.http, { innerApiKey: INNER_KEY, tenantId: TENANT });
    expect((await faultOf(uploader.upload(FILE, controller.signal))).code).toBe('cancelled');
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
