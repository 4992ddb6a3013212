import { isJsonObject, type JsonObject } from '../model/json.ts';
import { jsonBody } from './inner-admission.ts';
import { invalidParam, notFound, Refusal } from './refusal.ts';
import { type App, route, type SandboxState } from './state.ts';
import { validationText } from './validation.ts';

const PATH = '/inner/api/download/file/request';
const FIELDS = new Set(['tenant_id', 'user_id', 'user_from', 'invoke_from', 'file', 'for_external']);
const REFERENCE = 'dify-file-ref:';

/** Adds the route that gives signed addresses of stored files; releases without it know no such address. */
export function addDownloadRequestRoute(app: App, state: SandboxState): void {
  route(app, 'POST', PATH, async (c) => {
    const isKnown = c.req.header('x-inner-api-key') === state.credentials.innerApiKey;
    if (!state.features.downloadRequests || !isKnown) throw notFound(PATH);
    const body = await jsonBody(c);
    check(body);
    if (body['tenant_id'] !== state.workspace.id) throw invalidParam('tenant not found');
    const file = state.files.get(recordId(body['file'] as JsonObject));
    if (file === undefined) throw new Refusal(404, 'not_found', 'File not found.');
    return c.json({
      data: {
        filename: file.filename,
        mime_type: file.mimeType,
        size: file.size,
        download_url: state.files.signedUrl(file),
      },
      error: '',
    });
  });
}

function check(body: JsonObject): void {
  const extra = Object.keys(body).find((name) => !FIELDS.has(name));
  if (extra !== undefined) throw invalidParam(`${extra}\n  Extra inputs are not permitted`);
  const problem = validationText(
    'DownloadFileRequestPayload',
    [
      { name: 'tenant_id', type: 'string' },
      { name: 'user_id', type: 'string' },
      { name: 'user_from', type: ['account', 'end-user'] },
      { name: 'invoke_from', type: ['service-api', 'openapi', 'web-app', 'explore', 'debugger'] },
      { name: 'file', type: 'dict' },
    ],
    body,
  );
  if (problem !== undefined) throw invalidParam(problem);
}

/** The id in a reference, which has to be written exactly as Dify writes it. */
function recordId(file: JsonObject): string {
  const reference = file['reference'];
  if (file['transfer_method'] !== 'tool_file' || typeof reference !== 'string') {
    throw invalidParam('invalid file reference');
  }
  const encoded = reference.startsWith(REFERENCE) ? reference.slice(REFERENCE.length) : '';
  let record: unknown;
  try {
    record = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
  } catch {
    throw invalidParam('invalid file reference');
  }
  const id = isJsonObject(record) ? record['record_id'] : undefined;
  // The padding counts, which Node's base64url leaves out.
  if (typeof id !== 'string' || encoded.length % 4 !== 0) throw invalidParam('invalid file reference');
  return id;
}
