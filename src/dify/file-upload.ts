import { BridgeError } from '../model/errors.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { FileUpload, FileUploader } from '../model/ports.ts';
import { faultFromAnswer } from './faults.ts';
import { detectFileKind } from './file-kind.ts';
import type { DifyHttp } from './http.ts';
import { requestUploadUrl } from './upload-request.ts';

/** On whose behalf files are stored. */
export interface FileUploaderOptions {
  readonly innerApiKey: string;
  readonly tenantId: string;
}

const TIMEOUT_MS = 120_000;
/** What a multipart header would escape, which the signature over the name does not survive, and folders. */
const UNSAFE_NAME_CHARACTERS = /["\\/\p{Cc}]/gu;

/**
 * Stores a file as a ToolFile: Dify signs an address for it, then takes the bytes. The answer is the one object that
 * plugins and workflows both accept as an argument, with those keys only: Dify refuses others. Rejects as
 * `faultFromAnswer` does.
 */
export function createFileUploader(http: DifyHttp, options: FileUploaderOptions): FileUploader {
  return {
    async upload(file, signal) {
      const named = nameForDify(file);
      const url = await requestUploadUrl(http, options, named, signal);
      const form = new FormData();
      form.append('file', new Blob([file.bytes], { type: named.mimeType }), named.filename);
      const answer = await http.send({
        method: 'POST',
        path: ownPath(url),
        body: form,
        signal,
        timeoutMs: TIMEOUT_MS,
      });
      const upstream = { status: answer.status, path: answer.path };
      if (answer.status === 403) {
        await answer.discard();
        throw new BridgeError('upstream_rejected', 'Dify refused the upload of a file.', {
          hint: 'The address for an upload holds for 300 s: call again. If it stays so, give the file a plain name.',
          upstream,
        });
      }
      if (answer.status !== 201) throw await faultFromAnswer(answer);
      const stored = await answer.json();
      const id = isJsonObject(stored) ? stored['id'] : undefined;
      if (!isJsonObject(stored) || typeof id !== 'string') {
        throw new BridgeError('upstream_error', 'Dify took the file but did not name its id.', { upstream });
      }
      return toArgument(id, stored, { ...file, ...named }, options.tenantId, http.baseUrl);
    },
  };
}

function nameForDify({ filename, mimeType }: FileUpload): { filename: string; mimeType: string } {
  const name = filename.replace(UNSAFE_NAME_CHARACTERS, '_');
  const type = mimeType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return { filename: name === '' ? 'file' : name, mimeType: type === '' ? 'application/octet-stream' : type };
}

/** Path and query of an address of Dify's, to be used against our own base. */
function ownPath(url: string): string {
  const { pathname, search } = new URL(url, 'http://dify.invalid');
  const start = pathname.indexOf('/files/');
  return `${start === -1 ? pathname : pathname.slice(start)}${search}`;
}

function toArgument(
  id: string,
  stored: JsonObject,
  file: FileUpload,
  tenantId: string,
  baseUrl: URL,
): JsonObject {
  const { preview_url: preview, name, extension, mime_type: mimeType, size } = stored;
  const storedExtension = typeof extension === 'string' ? extension : extensionOf(file.filename);
  const storedType = typeof mimeType === 'string' ? mimeType : file.mimeType;
  return {
    dify_model_identity: '__dify__file__',
    tenant_id: tenantId,
    type: detectFileKind(storedExtension, storedType),
    transfer_method: 'tool_file',
    tool_file_id: id,
    related_id: id,
    ...(typeof preview === 'string' && preview !== '' && { url: absolute(preview, baseUrl) }),
    filename: typeof name === 'string' && name !== '' ? name : file.filename,
    extension: storedExtension,
    mime_type: storedType,
    size: typeof size === 'number' ? size : file.bytes.length,
  };
}

/** Plugins fetch the file from this address and need a host, which Dify leaves out when FILES_URL is not set. */
function absolute(url: string, baseUrl: URL): string {
  if (!url.startsWith('/')) return url;
  return `${baseUrl.origin}${baseUrl.pathname.replace(/\/+$/, '')}${url}`;
}

function extensionOf(filename: string): string {
  const dot = filename.lastIndexOf('.');
  return dot <= 0 ? '' : filename.slice(dot);
}
