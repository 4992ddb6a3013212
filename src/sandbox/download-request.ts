import { isJsonObject, type JsonObject } from '../model/json.ts';
import { REFERENCE } from './files.ts';
import { jsonBody } from './inner-admission.ts';
import { internalError, invalidParam, notFound, type Refusal } from './refusal.ts';
import { type App, route, type SandboxState } from './state.ts';
import { validate } from './validation.ts';
import { isUuid } from './workspace.ts';

const PATH = '/inner/api/download/file/request';
const PAYLOAD = 'RequestRequestDownloadFile';
const FIELDS = {
  tenant_id: 'string',
  user_id: 'string',
  user_from: ['account', 'end-user'],
  invoke_from: 'service-api openapi web-app trigger explore debugger published validation'.split(' '),
  file: 'dict',
} as const;

/** Adds the route that gives signed addresses of stored files; older releases do not have it. */
export function addDownloadRequestRoute(app: App, state: SandboxState): void {
  route(app, 'POST', PATH, async (c) => {
    const isKnown = c.req.header('x-inner-api-key') === state.credentials.innerApiKey;
    if (!state.features.downloadRequests || !isKnown) throw notFound(PATH);
    const body = await jsonBody(c);
    const extra = Object.keys(body).find((name) => !Object.hasOwn(FIELDS, name) && name !== 'for_external');
    if (extra !== undefined) throw badPayload(`${extra}\n  Extra inputs are not permitted`);
    validate(PAYLOAD, FIELDS, body, 'invalid payload: ');
    const { file: mapping, tenant_id: tenantId } = body;
    const id = recordId(mapping);
    // The database compares the id as a UUID: anything else is an internal error of Dify.
    if (!isUuid(tenantId)) throw internalError();
    if (tenantId !== state.workspace.id) throw invalidParam('tenant not found');
    if (mapping['transfer_method'] === 'local_file') throw invalidParam('Invalid upload file');
    const file = state.files.get(id);
    if (file === undefined) throw invalidParam(`ToolFile ${id} not found`);
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

function badPayload(problem: string): Refusal {
  return invalidParam(`invalid payload: 1 validation error for ${PAYLOAD}\n${problem}`);
}

/** Returns the id in a reference. Throws unless the reference is written exactly as Dify writes it. */
function recordId(mapping: JsonObject): string {
  const { reference, transfer_method: method } = mapping;
  const encoded =
    typeof reference === 'string' && reference.startsWith(REFERENCE) ? reference.slice(REFERENCE.length) : '';
  const id = recordOf(encoded)?.['record_id'];
  const isKnown = method === 'tool_file' || method === 'local_file';
  // The padding, which Node's base64url omits, is significant.
  if (isKnown && typeof id === 'string' && encoded.length % 4 === 0) return id;
  throw badPayload('file\n  Value error, reference must be a canonical Dify file reference');
}

function recordOf(encoded: string): JsonObject | undefined {
  try {
    const record: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    return isJsonObject(record) ? record : undefined;
  } catch {
    return undefined;
  }
}
