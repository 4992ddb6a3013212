import { BridgeError } from '../model/errors.ts';

/** Tells a cursor of ours from other Base64. */
const MARK = 'after:';

/** An opaque cursor for the page that follows the tool `name`. */
export function encodeCursor(name: string): string {
  return Buffer.from(MARK + name).toString('base64url');
}

/**
 * The name that a page follows; `''`, which precedes every name, for the empty cursor.
 * @throws BridgeError `invalid_cursor` for anything that `encodeCursor` cannot have made.
 */
export function decodeCursor(cursor: string): string {
  if (cursor === '') return '';
  const text = Buffer.from(cursor, 'base64url').toString();
  const name = text.slice(MARK.length);
  // Decoding skips what is not Base64, so only a round trip proves that the cursor is one of ours.
  if (!text.startsWith(MARK) || name === '' || encodeCursor(name) !== cursor) {
    throw new BridgeError(
      'invalid_cursor',
      'The cursor of tools/list is not one that this bridge gave out.',
      {
        hint: 'Ask again without a cursor to get the first page.',
      },
    );
  }
  return name;
}
