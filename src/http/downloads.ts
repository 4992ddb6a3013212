import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../model/logger.ts';
import { UNKNOWN_TYPE } from '../model/media-types.ts';
import type { ByteRange, FileStore, StoredFile } from '../model/stored-file.ts';
import { sendJson, sendMethodNotAllowed } from './responses.ts';

/** Where stored files are downloaded: `/files/<key>/<name>`. */
const PATH = /^\/files\/([^/]+)(?:\/[^/]*)?$/;

/** Types that no browser runs. Of all others a browser learns that they are bytes. */
const HARMLESS =
  /^(image\/(png|jpeg|gif|webp|bmp|tiff)|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+|text\/(plain|csv|markdown)|application\/(json|zip|gzip|epub\+zip|msword|vnd\.[a-z0-9.-]+))$/;

export interface DownloadOptions {
  readonly files: Pick<FileStore, 'findByDownloadKey'>;
  readonly logger: Logger;
}

/** Whether a path is one of stored files. */
export function isDownloadPath(pathname: string): boolean {
  return PATH.test(pathname);
}

/** The path at which a file can be downloaded. */
export function downloadPath(key: string, name: string): string {
  return `/files/${key}/${encodeURIComponent(name)}`;
}

/**
 * Serves an admitted request for a stored file, whole or a part. The key in its path is all that it takes. Resolves
 * when the response is complete or the client gone; the file is closed either way.
 */
export function createDownloads({ files, logger }: DownloadOptions) {
  return async (req: IncomingMessage, res: ServerResponse, pathname: string): Promise<void> => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return sendMethodNotAllowed(res, 'GET, HEAD');
    const found = await files.findByDownloadKey(PATH.exec(pathname)?.[1] ?? '');
    if (found === undefined) return sendNotFound(res);
    const { file } = found;
    const range = rangeOf(req, file);
    if (range === 'unsatisfiable') {
      res.writeHead(416, { ...headersOf(file, 0), 'Content-Range': `bytes */${file.size}` }).end();
      return;
    }
    const length = range === undefined ? file.size : range.last - range.first + 1;
    const headers = headersOf(file, length);
    if (range === undefined) res.writeHead(200, headers);
    else {
      const part = `bytes ${range.first}-${range.last}/${file.size}`;
      res.writeHead(206, { ...headers, 'Content-Range': part });
    }
    if (req.method === 'HEAD' || length === 0) {
      res.end();
      return;
    }
    try {
      await pipeline(Readable.from(found.read(range)), res);
    } catch (error) {
      // The status was sent already: only a broken connection shows that the body is not complete.
      logger.debug('A download broke off', { error });
      res.destroy();
    }
  };
}

function rangeOf(req: IncomingMessage, file: StoredFile): ByteRange | 'unsatisfiable' | undefined {
  const condition = req.headers['if-range'];
  if (req.method !== 'GET' || (condition !== undefined && condition !== entityTag(file))) return undefined;
  return requestedRange(req.headers.range, file.size);
}

/**
 * The part of a file that a Range header asks for (RFC 9110, section 14). Undefined, which means all of it, also for
 * what the server need not honour: several parts, other units, nonsense. `unsatisfiable` if the part is outside the file.
 */
export function requestedRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'unsatisfiable' : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= size ? 'unsatisfiable' : { first, last };
}

function headersOf(file: StoredFile, length: number): Record<string, string | number> {
  return {
    'Content-Type': servedType(file.mimeType),
    'Content-Length': length,
    'Content-Disposition': attachment(file.name),
    'Accept-Ranges': 'bytes',
    ETag: entityTag(file),
    'Cache-Control': 'private, no-store',
    'Content-Security-Policy': "sandbox; default-src 'none'",
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  };
}

/** A Content-Disposition that makes a browser save the file, with its name for old and new ones (RFC 6266). */
export function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** A stored file never changes, so what tells it from others of its address is enough. */
function entityTag({ size, createdAt }: StoredFile): string {
  return `"${size.toString(36)}-${createdAt.getTime().toString(36)}"`;
}

function servedType(mimeType: string): string {
  if (!HARMLESS.test(mimeType) || mimeType.endsWith('+xml')) return UNKNOWN_TYPE;
  return mimeType.startsWith('text/') ? `${mimeType}; charset=utf-8` : mimeType;
}

function sendNotFound(res: ServerResponse): void {
  const headers = { 'Referrer-Policy': 'no-referrer', 'X-Content-Type-Options': 'nosniff' };
  const error = 'No such file, or it has expired. Call the tool again that made it.';
  sendJson(res, 404, { error }, headers);
}
