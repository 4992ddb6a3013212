import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../model/logger.ts';
import { UNKNOWN_TYPE } from '../model/media-types.ts';
import type { ByteRange, FileStore, StoredFile } from '../model/stored-file.ts';
import { sendJson, sendMethodNotAllowed } from './responses.ts';

/** Matches the path of a download: `/files/<key>/<name>`. */
const PATH = /^\/files\/([^/]+)(?:\/[^/]*)?$/;

/** Types that no browser executes. All others are served as bytes. */
const HARMLESS =
  /^(image\/(png|jpeg|gif|webp|bmp|tiff)|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+|text\/(plain|csv|markdown)|application\/(json|zip|gzip|epub\+zip|msword|vnd\.[a-z0-9.-]+))$/;

export interface DownloadOptions {
  readonly files: Pick<FileStore, 'findByDownloadKey'>;
  readonly logger: Logger;
}

/** Returns whether a path is that of a download. */
export function isDownloadPath(pathname: string): boolean {
  return PATH.test(pathname);
}

/** Returns the download path of a file. */
export function downloadPath(key: string, name: string): string {
  return `/files/${key}/${encodeURIComponent(name)}`;
}

/**
 * Serves an admitted request for a stored file, or a part of one. The key in the path is sufficient. Resolves when the
 * response is complete or the client has gone; closes the file in both cases.
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
      // The status has been sent, so only a broken connection shows that the body is incomplete.
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
 * Returns the part of a file that a Range header requests (RFC 9110, section 14); undefined for the whole file, also if
 * the server may ignore the header (several parts, other units, nonsense); `unsatisfiable` if the part is outside.
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

/**
 * Returns a Content-Disposition that makes a browser save the file, with the name for old and new browsers (RFC 6266).
 */
export function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** Returns the ETag of a file. A stored file never changes, so size and creation time suffice. */
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
