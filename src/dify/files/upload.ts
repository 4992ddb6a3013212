import { extname } from 'node:path';
import { BridgeError } from '../../model/errors.ts';
import { type JsonObject, objectOf, textOf, withoutUndefined } from '../../model/json.ts';
import { FILE_MARKER } from '../../model/message.ts';
import type { FileAddress, FileUpload, FileUploader } from '../../model/ports.ts';
import { errorFromAnswer } from '../wire/answer-errors.ts';
import type { InnerAccess } from './download-request.ts';
import { detectFileKind } from './kind.ts';
import { encodeForm } from './form.ts';
import { ownPath } from './links.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import type { DifyHttp } from '../wire/http.ts';
import { requestUploadUrl } from './upload-request.ts';

/** Dify starts to store the file after the last byte and answers when it is stored. */
const TIMEOUT_MS = 120_000;
/** The slowest supported connection: 2 Mbit/s. */
const BYTES_PER_MS = 250;
/** Folder separators, and characters that a multipart header would escape: that breaks the signature over the name. */
const UNSAFE_NAME_CHARACTERS = /["\\/\p{Cc}]/gu;

/**
 * Returns an uploader that stores files as ToolFiles: Dify signs an address, then the uploader streams the bytes to it.
 * If Dify no longer accepts the address, the uploader requests one new address. The argument it returns suits both
 * plugins and workflows and has only the keys that Dify accepts. Rejects as `errorFromAnswer` does, and with errors from
 * reading the file.
 */
export function createFileUploader(http: DifyHttp, options: InnerAccess): FileUploader {
  async function send(file: FileUpload, signal: AbortSignal, userId?: string): Promise<DifyAnswer> {
    const path = ownPath(await requestUploadUrl(http, { ...options, userId }, file, signal));
    const limits = { signal, timeoutMs: uploadTimeout(file.size) };
    return http.send({ method: 'POST', path, ...encodeForm(file), ...limits });
  }

  return {
    async upload(given, signal, userId) {
      const file: FileUpload = { ...given, ...nameForDify(given) };
      let answer = await send(file, signal, userId);
      if (answer.status === 403) {
        await answer.discard();
        answer = await send(file, signal, userId);
      }
      const upstream = { status: answer.status, path: answer.path };
      if (answer.status === 403) {
        await answer.discard();
        const message = 'Dify refused the upload of a file, even at a new address.';
        const hint =
          'Give the file a plain name and call again. If that does not help, compare the clocks of ' +
          "Dify's services: an address is valid for 300 s.";
        throw new BridgeError('upstream_rejected', message, { hint, upstream });
      }
      if (answer.status !== 201) throw await errorFromAnswer(answer);
      const stored = objectOf(await answer.json());
      const { id } = stored;
      if (typeof id !== 'string') {
        throw new BridgeError('upstream_error', 'Dify stored the file but returned no id.', { upstream });
      }
      return toArgument(id, stored, file, options.tenantId, http.baseUrl);
    },

    refer: (address) => remoteArgument(address, options.tenantId),
  };
}

/** Returns the milliseconds that an upload may take. */
export function uploadTimeout(size: number): number {
  return TIMEOUT_MS + size / BYTES_PER_MS;
}

/** Returns a file's name and type in a form that Dify accepts in a form's header. */
export function nameForDify({ filename, mimeType }: FileUpload): Pick<FileUpload, 'filename' | 'mimeType'> {
  const name = filename.replace(UNSAFE_NAME_CHARACTERS, '_');
  const type = mimeType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return { filename: name === '' ? 'file' : name, mimeType: type === '' ? 'application/octet-stream' : type };
}

function toArgument(
  id: string,
  stored: JsonObject,
  file: FileUpload,
  tenantId: string,
  baseUrl: URL,
): JsonObject {
  const { preview_url: preview, name, extension, mime_type: mimeType, size } = stored;
  const storedExtension = typeof extension === 'string' ? extension : extname(file.filename);
  const storedType = typeof mimeType === 'string' ? mimeType : file.mimeType;
  const address = textOf(preview);
  return withoutUndefined({
    dify_model_identity: FILE_MARKER,
    tenant_id: tenantId,
    type: detectFileKind(storedExtension, storedType),
    transfer_method: 'tool_file',
    tool_file_id: id,
    related_id: id,
    url: address && absolute(address, baseUrl),
    filename: textOf(name) ?? file.filename,
    extension: storedExtension,
    mime_type: storedType,
    size: typeof size === 'number' ? size : file.size,
  });
}

/** Returns the argument for a file outside Dify. Workflows read `url`, Dify's own file class `remote_url`. */
function remoteArgument({ url, filename, mimeType }: FileAddress, tenantId: string): JsonObject {
  const extension = extname(filename);
  return {
    dify_model_identity: FILE_MARKER,
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

/** Returns an address with a host, which plugins need to fetch the file. Dify omits it if FILES_URL is not set. */
function absolute(url: string, baseUrl: URL): string {
  if (!url.startsWith('/')) return url;
  return `${baseUrl.origin}${baseUrl.pathname.replace(/\/+$/, '')}${url}`;
}
