import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { JsonObject } from '../model/json.ts';
import type { StoredFile } from './files.ts';
import { admit } from './inner-admission.ts';
import { readFilePart } from './multipart.ts';
import { forbidden, notFoundPage, Refusal } from './refusal.ts';
import { LINK_LIFETIME_SECONDS, queryString, type UploadGrant } from './signing.ts';
import { type App, route, type SandboxState } from './state.ts';
import { validate } from './validation.ts';
import { isUuid } from './workspace.ts';

const SIGNATURE = { timestamp: 'integer', nonce: 'string', sign: 'string' } as const;

/** Adds the routes that issue upload links, receive files and serve them. */
export function addFileRoutes(app: App, state: SandboxState): void {
  route(app, 'POST', '/inner/api/upload/file/request', async (c) => {
    const { body, endUserId } = await admit(c, state);
    const fields = { filename: 'string', mimetype: 'string' } as const;
    validate('RequestRequestUploadFile', fields, body, 'invalid payload: ');
    const grant = {
      filename: body.filename,
      mimeType: body.mimetype,
      tenantId: state.workspace.id,
      userId: endUserId,
    };
    const age = state.expiredUploads.take() ? LINK_LIFETIME_SECONDS + 1 : 0;
    const query = `${queryString(state.signer.upload(grant, age))}&user_id=${endUserId}&tenant_id=${grant.tenantId}`;
    return c.json({ data: { url: `${state.url}/files/upload/for-plugin?${query}` }, error: '' });
  });

  route(app, 'POST', '/files/upload/for-plugin', async (c) => {
    const query = c.req.query();
    validate('PluginUploadQuery', { ...SIGNATURE, tenant_id: 'string' }, query);
    const userId = c.req.query('user_id') ?? '';
    const tenantId = c.req.query('tenant_id') ?? '';
    const part = await readFilePart(c.env.incoming, c.req.header('content-type') ?? '');
    if (part === undefined) throw forbidden('File is required.');
    const { filename, mimeType } = part;
    const grant: UploadGrant = { filename, mimeType, tenantId, userId };
    if (!state.signer.uploadIsValid(grant, query)) {
      // Like Dify, read the whole form before checking the signature.
      for await (const _rest of part.bytes);
      throw forbidden('Invalid request.');
    }
    const file = await state.files.receive(part.bytes, { mimeType, filename });
    return c.json(uploadAnswer(file, grant, state), 201);
  });

  route(app, 'GET', '/files/tools/:name', (c) => {
    const [id = '', extension] = c.req.param('name')?.split('.', 2) ?? [];
    if (!isUuid(id) || extension === undefined) return notFoundPage();
    const query = c.req.query();
    validate('ToolFileQuery', SIGNATURE, query);
    if (!state.signer.downloadIsValid(id, query)) throw forbidden('Invalid request.');
    const file = state.files.get(id);
    if (file === undefined) throw gone(state);
    return download(file, c.req.query('as_attachment')?.toLowerCase() === 'true');
  });
}

/** Returns the answer to a valid link to a missing file. */
function gone({ features }: SandboxState): Refusal {
  return features.goneIsNotFound
    ? new Refusal(404, 'not_found', 'file is not found')
    : new Refusal(415, 'unsupported_file_type', 'File type not allowed.');
}

/** The types for which Dify's framework adds a charset: every text, and XML. */
const WITH_CHARSET = /^text\/|\+xml$|^application\/(ecmascript|javascript|sql|xml)$/;

const PAGE = /^(text\/html|application\/xhtml\+xml)/;

/**
 * Returns a file as a response. HTML is always an attachment, because a page would run in the console's
 * origin. An empty file is sent in chunks, without its length.
 */
function download(file: StoredFile, asAttachment: boolean): Response {
  const isPage = PAGE.test(file.mimeType) || /\.html?$/i.test(file.filename);
  const type = WITH_CHARSET.test(file.mimeType) ? `${file.mimeType}; charset=utf-8` : file.mimeType;
  const headers = new Headers({ 'content-type': isPage ? 'application/octet-stream' : type });
  if (file.size > 0) headers.set('content-length', String(file.size));
  if (isPage) headers.set('x-content-type-options', 'nosniff');
  if (asAttachment || isPage) {
    headers.set('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.filename)}`);
  }
  return new Response(Readable.toWeb(Readable.from(file.read(), { objectMode: false })) as ReadableStream, {
    headers,
  });
}

function uploadAnswer(file: StoredFile, grant: UploadGrant, state: SandboxState): JsonObject {
  return {
    id: file.id,
    reference: state.features.uploadReferences ? file.reference : undefined,
    name: file.filename,
    size: file.size,
    extension: file.extension,
    mime_type: file.mimeType,
    created_by: null,
    created_at: null,
    preview_url: state.features.previewUrls ? state.files.signedUrl(file) : undefined,
    source_url: null,
    original_url: null,
    user_id: grant.userId,
    tenant_id: grant.tenantId,
    conversation_id: null,
    file_key: `tools/${grant.tenantId}/${randomBytes(16).toString('hex')}${file.extension}`,
  };
}
