import { BridgeError } from '../model/errors.ts';
import type { StoredFile } from '../model/stored-file.ts';

/** Tells a cursor of ours from other Base64, and those of tools from those of files. */
const TOOL_MARK = 'after:';
const FILE_MARK = 'older:';

/** An opaque cursor for the page that follows the tool `name`. */
export function encodeCursor(name: string): string {
  return Buffer.from(TOOL_MARK + name).toString('base64url');
}

/**
 * The name that a page follows; `''`, which precedes every name, for the empty cursor.
 * @throws BridgeError `invalid_cursor` for anything that `encodeCursor` cannot have made.
 */
export function decodeCursor(cursor: string): string {
  return cursor === '' ? '' : decode(cursor, TOOL_MARK, 'tools/list');
}

/** An opaque cursor for the page that follows a file: it stays good when files come and go. */
export function encodeFileCursor({ createdAt, uri }: Pick<StoredFile, 'createdAt' | 'uri'>): string {
  return Buffer.from(`${FILE_MARK}${createdAt.getTime()} ${uri}`).toString('base64url');
}

/**
 * The file that a page follows; undefined for the empty cursor.
 * @throws BridgeError `invalid_cursor` for anything that `encodeFileCursor` cannot have made.
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
  // Decoding skips what is not Base64, so only a round trip proves that the cursor is one of ours.
  const isOurs = text.startsWith(mark) && Buffer.from(text).toString('base64url') === cursor;
  if (!isOurs || text === mark) throw invalidCursor(method);
  return text.slice(mark.length);
}

function invalidCursor(method: string): BridgeError {
  return new BridgeError('invalid_cursor', `The cursor of ${method} is not one that this bridge gave out.`, {
    hint: 'Ask again without a cursor to get the first page.',
  });
}
