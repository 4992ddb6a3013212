import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../model/logger.ts';
import { UNKNOWN_TYPE } from '../model/media-types.ts';
import type { ByteRange, DownloadableFile, FileStore, StoredFile } from '../model/stored-file.ts';
import { sendJson, sendMethodNotAllowed } from './responses.ts';
import { requestedRange } from './byte-range.ts';
import { attachment } from './content-disposition.ts';

/** Where kept files are downloaded: `/files/<key>/<name>`. */
const PATH = /^\/files\/([^/]+)(?:\/[^/]*)?$/;

/** Types that no browser runs. Of all others a browser learns that they are bytes. */
const HARMLESS =
  /^(image\/(png|jpeg|gif|webp|bmp|tiff)|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+|text\/(plain|csv|markdown)|application\/(json|zip|gzip|epub\+zip|msword|vnd\.[a-z0-9.-]+))$/;

export interface DownloadOptions {
  readonly files: Pick<FileStore, 'findByDownloadKey'>;
  readonly logger: Logger;
}

/** Whether a path is one of kept files. */
export function isDownloadPath(pathname: string): boolean {
  return PATH.test(pathname);
}

/** The path at which a file can be downloaded. */
export function downloadPath(key: string, name: string): string {
  return `/files/${key}/${encodeURIComponent(name)}`;
}

/**
 * Serves an admitted request for a kept file, whole or a part. The key in its path is all that it takes. Resolves
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
    await send(found, range, res);
  };

  async function send(
    found: DownloadableFile,
    range: ByteRange | undefined,
    res: ServerResponse,
  ): Promise<void> {
    try {
      await pipeline(Readable.from(found.read(range)), res);
    } catch (error) {
      // The status is out already: all that can be told is that the body is not complete.
      logger.debug('A download broke off', { error });
      res.destroy();
    }
  }
}

function rangeOf(req: IncomingMessage, file: StoredFile): ByteRange | 'unsatisfiable' | undefined {
  const condition = req.headers['if-range'];
  if (req.method !== 'GET' || (condition !== undefined && condition !== entityTag(file))) return undefined;
  const range = requestedRange(req.headers.range, file.size);
  return range === 'whole' ? undefined : range;
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

/** A kept file never changes, so what tells it from others of its address is enough. */
function entityTag({ size, createdAt }: StoredFile): string {
  return `"${size.toString(36)}-${createdAt.getTime().toString(36)}"`;
}

function servedType(mimeType: string): string {
  if (!HARMLESS.test(mimeType) || mimeType.endsWith('+xml')) return UNKNOWN_TYPE;
  return mimeType.startsWith('text/') ? `${mimeType}; charset=utf-8` : mimeType;
}

function sendNotFound(res: ServerResponse): void {
  const headers = { 'Referrer-Policy': 'no-referrer', 'X-Content-Type-Options': 'nosniff' };
  const error = 'There is no such file, or it has expired. Call the tool again that made it.';
  sendJson(res, 404, { error }, headers);
}
