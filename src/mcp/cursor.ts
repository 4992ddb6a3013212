import { BridgeError } from '../model/errors.ts';
import type { StoredFile } from '../model/stored-file.ts';

/** Prefixes that distinguish the bridge's cursors from other Base64, and cursors of tools from cursors of files. */
const TOOL_MARK = 'after:';
const FILE_MARK = 'older:';

/** Returns an opaque cursor for the page after the tool `name`. */
export function encodeCursor(name: string): string {
  return Buffer.from(TOOL_MARK + name).toString('base64url');
}

/**
 * Returns the name after which a page begins; for an empty cursor `''`, which sorts before every name.
 * @throws BridgeError `invalid_cursor` if `encodeCursor` did not make the cursor.
 */
export function decodeCursor(cursor: string): string {
  return cursor === '' ? '' : decode(cursor, TOOL_MARK, 'tools/list');
}

/** Returns an opaque cursor for the page after a file. It stays valid when files are added or removed. */
export function encodeFileCursor({ createdAt, uri }: Pick<StoredFile, 'createdAt' | 'uri'>): string {
  return Buffer.from(`${FILE_MARK}${createdAt.getTime()} ${uri}`).toString('base64url');
}

/**
 * Returns the file after which a page begins; undefined for an empty cursor.
 * @throws BridgeError `invalid_cursor` if `encodeFileCursor` did not make the cursor.
 */
export function decodeFileCursor(
  cursor: string,
): { readonly createdAt: number; readonly uri: string } | undefined {
  if (cursor === '') return undefined;
  const match = /^(\d{1,15}) (.+)$/.exec(decode(cursor, FILE_MARK, 'resources/list'));
  if (match === null) throw invalidCursor('resources/list');
  return { createdAt: Number(match[1]), uri: match[2] ?? '' };
}

function decode(cursor: string, mark: string, method: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  // Decoding skips characters that are not Base64, so only a round trip proves that the bridge made the cursor.
  const isOurs = text.startsWith(mark) && Buffer.from(text).toString('base64url') === cursor;
  if (!isOurs || text === mark) throw invalidCursor(method);
  return text.slice(mark.length);
}

function invalidCursor(method: string): BridgeError {
  return new BridgeError('invalid_cursor', `The cursor of ${method} was not issued by this bridge.`, {
    hint: 'Repeat the request without a cursor to get the first page.',
  });
}
