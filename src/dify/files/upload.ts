import { BridgeError } from '../../model/errors.ts';
import { isJsonObject, type JsonObject, withoutUndefined } from '../../model/json.ts';
import type { FileAddress, FileUpload, FileUploader } from '../../model/ports.ts';
import { errorFromAnswer } from '../wire/answer-errors.ts';
import { detectFileKind } from './kind.ts';
import { encodeForm } from './form.ts';
import type { DifyAnswer, DifyHttp } from '../wire/http.ts';
import { requestUploadUrl } from './upload-request.ts';

/** The key and the workspace that files are stored with. */
export interface FileUploaderOptions {
  readonly innerApiKey: string;
  readonly tenantId: string;
}

/** Dify answers when it has stored the file, which it begins with the last byte. */
const TIMEOUT_MS = 120_000;
/** The slowest connection that is waited for: 2 Mbit/s. */
const BYTES_PER_MS = 250;
/** What a multipart header would escape, which the signature over the name does not survive, and folders. */
const UNSAFE_NAME_CHARACTERS = /["\\/\p{Cc}]/gu;

/**
 * Stores files as ToolFiles: Dify signs an address for one, then takes the bytes, which are sent as they are read.
 * An address that Dify no longer accepts is asked for once more. The answer is the one object that plugins and
 * workflows both accept as an argument, with those keys only: Dify refuses others. Rejects as `errorFromAnswer`
 * does, and with what reading the file throws.
 */
export function createFileUploader(http: DifyHttp, options: FileUploaderOptions): FileUploader {
  async function send(file: FileUpload, signal: AbortSignal): Promise<DifyAnswer> {
    const url = await requestUploadUrl(http, options, file, signal);
    return http.send({
      method: 'POST',
      path: ownPath(url),
      ...encodeForm(file),
      signal,
      timeoutMs: TIMEOUT_MS + file.size / BYTES_PER_MS,
    });
  }

  return {
    async upload(given, signal) {
      const file: FileUpload = { ...given, ...nameForDify(given) };
      let answer = await send(file, signal);
      if (answer.status === 403) {
        await answer.discard();
        answer = await send(file, signal);
      }
      const upstream = { status: answer.status, path: answer.path };
      if (answer.status === 403) {
        await answer.discard();
        throw new BridgeError(
          'upstream_rejected',
          'Dify refused the upload of a file, also at a new address.',
          {
            hint: "Give the file a plain name and call again. If it stays so, compare the clocks of Dify's services: an address holds for 300 s.",
            upstream,
          },
        );
      }
      if (answer.status !== 201) throw await errorFromAnswer(answer);
      const stored = await answer.json();
      const id = isJsonObject(stored) ? stored['id'] : undefined;
      if (!isJsonObject(stored) || typeof id !== 'string') {
        throw new BridgeError('upstream_error', 'Dify took the file but did not name its id.', { upstream });
      }
      return toArgument(id, stored, file, options.tenantId, http.baseUrl);
    },

    refer: (address) => remoteArgument(address, options.tenantId),
  };
}

function nameForDify({ filename, mimeType }: Pick<FileUpload, 'filename' | 'mimeType'>): {
  filename: string;
  mimeType: string;
} {
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
  return withoutUndefined({
    dify_model_identity: '__dify__file__',
    tenant_id: tenantId,
    type: detectFileKind(storedExtension, storedType),
    transfer_method: 'tool_file',
    tool_file_id: id,
    related_id: id,
    url: typeof preview === 'string' && preview !== '' ? absolute(preview, baseUrl) : undefined,
    filename: typeof name === 'string' && name !== '' ? name : file.filename,
    extension: storedExtension,
    mime_type: storedType,
    size: typeof size === 'number' ? size : file.size,
  });
}

/**
 * A file that is not in Dify. The type is told from name and type alone, as Dify does where it has nothing else; a
 * workflow wants `url`, Dify's own file class `remote_url`.
 */
function remoteArgument({ url, filename, mimeType }: FileAddress, tenantId: string): JsonObject {
  const extension = extensionOf(filename);
  return {
    dify_model_identity: '__dify__file__',
    tenant_id: tenantId,
    type: detectFileKind(extension, mimeType),
    transfer_method: 'remote_url',
    url,
    remote_url: url,
    filename,
    extension,
    mime_type: mimeType,
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
