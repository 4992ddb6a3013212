import {
  type ListResourcesResult,
  ProtocolError,
  type ReadResourceResult,
  ResourceNotFoundError,
  type Server,
} from '@modelcontextprotocol/server';
import { asBridgeError, BridgeError } from '../model/errors.ts';
import { formatSize } from '../model/format-size.ts';
import type { Logger } from '../model/logger.ts';
import { harmlessType, isTextType } from '../model/media-types.ts';
import type { FileAccess, FileAccessOf, FileStore, StoredFile } from '../model/stored-file.ts';
import { decodeFileCursor, encodeFileCursor } from './cursor.ts';
import { protocolError } from './protocol-error.ts';

/** Files on one page where the view has no page size: unlike tools, there may be thousands. */
const PAGE_SIZE = 100;

/** The kept files, as resources. */
export interface ResourceOptions {
  readonly files: Pick<FileStore, 'find' | 'list' | 'read'>;
  readonly accessOf: FileAccessOf;
  /** The largest file that resources/read gives, in bytes. */
  readonly maxReadBytes: number;
  /** Files on one page of resources/list; 100 when left out. */
  readonly pageSize?: number | undefined;
}

/** What a client of the 2026 revision may keep of the answers: a kept file never changes, the list does at any time. */
export const RESOURCE_CACHE_HINTS = {
  'resources/list': { ttlMs: 0, cacheScope: 'private' },
  'resources/templates/list': { ttlMs: 3_600_000, cacheScope: 'private' },
  'resources/read': { ttlMs: 60_000, cacheScope: 'private' },
} as const;

/**
 * Answers resources/list, resources/templates/list and resources/read with the files that the bridge keeps for one
 * principal. A file of somebody else, one that has expired and one that never was have the same answer.
 */
export function serveResources(
  server: Server,
  options: ResourceOptions,
  { principal, logger }: { readonly principal: string; readonly logger: Logger },
): void {
  const answer = async <T>(method: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof ProtocolError) throw thrown;
      const error = asBridgeError(thrown);
      if (error.code === 'internal')
        logger.error('A request for kept files failed', { method, error: error.cause });
      throw protocolError(error);
    }
  };
  server.setRequestHandler('resources/list', ({ params }) =>
    answer('resources/list', () => listPage(options, principal, params?.cursor)),
  );
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [] }));
  server.setRequestHandler('resources/read', ({ params: { uri } }, { mcpReq }) =>
    answer('resources/read', () => readFile(options, principal, uri, mcpReq.signal)),
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

/** Whether a file comes later in the list: the newest are first, and those of one moment by their URI. */
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
  const description = `A file of a tool's result, kept until ${expiresAt.toISOString()}.`;
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
    // It expired or made room for another one just now.
    throw error instanceof BridgeError && error.code === 'file_not_found' ? notFound(uri) : error;
  }
  const bytes = Buffer.concat(chunks);
  const text = isTextType(file.mimeType) ? utf8(bytes) : undefined;
  const mimeType = harmlessType(file.mimeType);
  const content = text === undefined ? { blob: bytes.toString('base64') } : { text };
  return { contents: [{ uri, mimeType: harmlessType(mimeType), ...content }] };
}

/** The text of UTF-8 bytes, with the byte order mark that it may begin with; undefined for others. */
function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Clients know it by its data, which is the URI and nothing else, and by the code, which is -32602 in both eras. */
function notFound(uri: string): ResourceNotFoundError {
  const message =
    'There is no such file: it was never there, has expired, made room for others or belongs to somebody else. ' +
    'Call the tool again that made it.';
  return new ResourceNotFoundError(uri, message);
}

function tooLarge({ name, size }: StoredFile, maxReadBytes: number, { url, path }: FileAccess): BridgeError {
  const message = `${name} has ${formatSize(size)}; resources/read gives files of up to ${formatSize(maxReadBytes)}.`;
  const ways = [
    ...(url === undefined ? [] : [`Download it from ${url}.`]),
    ...(path === undefined ? [] : [`It lies at ${path} on the bridge's machine.`]),
  ];
  const hint = ways.length > 0 ? ways.join(' ') : 'An operator can raise the setting files.maxReadBytes.';
  return new BridgeError('file_too_large', message, { hint });
}
