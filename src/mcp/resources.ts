import {
  type ListResourcesResult,
  type ReadResourceResult,
  ResourceNotFoundError,
  type Server,
} from '@modelcontextprotocol/server';
import { decodeText } from '../model/decode-text.ts';
import { BridgeError } from '../model/errors.ts';
import { formatSize } from '../model/format-size.ts';
import type { Logger } from '../model/logger.ts';
import { harmlessType, isTextType } from '../model/media-types.ts';
import type { FileAccess, FileAccessOf, FileStore, StoredFile } from '../model/stored-file.ts';
import { principalOf } from './call-origin.ts';
import { decodeFileCursor, encodeFileCursor } from './cursor.ts';
import { withProtocolErrors } from './protocol-error.ts';

/** Files on one page if the view has no page size. Unlike tools, files may number in the thousands. */
const PAGE_SIZE = 100;

/** Options for serving the stored files as resources. */
export interface ResourceOptions {
  readonly files: Pick<FileStore, 'find' | 'list' | 'read'>;
  readonly accessOf: FileAccessOf;
  /** The largest file that resources/read returns, in bytes. */
  readonly maxReadBytes: number;
  /** Files on one page of resources/list. Default: 100. */
  readonly pageSize?: number | undefined;
}

/** Cache hints for clients of the 2026 revision. A stored file never changes; the list may change at any time. */
export const RESOURCE_CACHE_HINTS = {
  'resources/list': { ttlMs: 0, cacheScope: 'private' },
  'resources/templates/list': { ttlMs: 3_600_000, cacheScope: 'private' },
  'resources/read': { ttlMs: 60_000, cacheScope: 'private' },
} as const;

/**
 * Answers resources/list, resources/templates/list and resources/read with the stored files of the request's
 * principal. Unknown files, expired files and those of other principals get the same answer.
 */
export function serveResources(server: Server, options: ResourceOptions, logger: Logger): void {
  server.setRequestHandler('resources/list', ({ method, params }, context) =>
    withProtocolErrors(method, logger, () => listPage(options, principalOf(context), params?.cursor)),
  );
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [] }));
  server.setRequestHandler('resources/read', ({ method, params: { uri } }, context) =>
    withProtocolErrors(method, logger, () =>
      readFile(options, principalOf(context), uri, context.mcpReq.signal),
    ),
  );
}

async function listPage(
  { files, pageSize = PAGE_SIZE }: ResourceOptions,
  principal: string,
  cursor = '',
): Promise<ListResourcesResult> {
  const after = decodeFileCursor(cursor);
  const all = await files.list(principal);
  const rest = after === undefined ? all : all.filter((file) => follows(file, after));
  const page = rest.slice(0, pageSize);
  const last = page.at(-1);
  return {
    resources: page.map(describeFile),
    ...(last !== undefined && rest.length > page.length && { nextCursor: encodeFileCursor(last) }),
  };
}

/** Whether a file comes after another in the list, which has the newest first and orders equal times by URI. */
function follows(file: StoredFile, after: { readonly createdAt: number; readonly uri: string }): boolean {
  const createdAt = file.createdAt.getTime();
  return createdAt < after.createdAt || (createdAt === after.createdAt && file.uri > after.uri);
}

function describeFile({
  uri,
  name,
  mimeType,
  size,
  expiresAt,
}: StoredFile): ListResourcesResult['resources'][number] {
  const description = `A file from a tool's result, stored until ${expiresAt.toISOString()}.`;
  return { uri, name, mimeType: harmlessType(mimeType), size, description };
}

async function readFile(
  { files, accessOf, maxReadBytes }: ResourceOptions,
  principal: string,
  uri: string,
  signal: AbortSignal,
): Promise<ReadResourceResult> {
  const file = await files.find(uri, principal);
  if (file === undefined) throw notFound(uri);
  if (file.size > maxReadBytes) throw tooLarge(file, maxReadBytes, await accessOf(file, principal));
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of files.read(file.uri, principal)) {
      signal.throwIfAborted();
      chunks.push(chunk);
    }
  } catch (error) {
    // The file expired or was evicted just now.
    throw error instanceof BridgeError && error.code === 'file_not_found' ? notFound(uri) : error;
  }
  const bytes = Buffer.concat(chunks);
  const text = isTextType(file.mimeType) ? (utf8(bytes) ?? decodeText(bytes)) : undefined;
  const content = text === undefined ? { blob: bytes.toString('base64') } : { text };
  return { contents: [{ uri, mimeType: harmlessType(file.mimeType), ...content }] };
}

/** Returns the text of UTF-8 bytes, including a byte order mark; undefined if the bytes are not UTF-8. */
function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Returns the error for a missing file. Clients know it by its code, -32602 in both eras, and the URI in `data`. */
function notFound(uri: string): ResourceNotFoundError {
  const message =
    'Unknown file: the URI is wrong, or the file expired, was evicted or belongs to another client. ' +
    'Call the tool that made the file again.';
  return new ResourceNotFoundError(uri, message);
}

function tooLarge({ name, size }: StoredFile, maxReadBytes: number, { url, path }: FileAccess): BridgeError {
  const message = `${name} has ${formatSize(size)}; resources/read returns files of up to ${formatSize(maxReadBytes)}.`;
  const ways = [
    ...(url === undefined ? [] : [`Download it from ${url}.`]),
    ...(path === undefined ? [] : [`Open ${path} on the bridge's machine.`]),
  ];
  const hint = ways.length > 0 ? ways.join(' ') : 'The operator of the bridge can raise files.maxReadBytes.';
  return new BridgeError('file_too_large', message, { hint });
}
