/** Control characters that do not occur in text. ESC, form feed and similar ones occur in logs. */
// oxlint-disable-next-line no-control-regex -- finding them is the purpose
const BINARY = /[\u0000-\u0006\u000e-\u001a]/;
/** Characters that a wrong encoding produces and text does not contain. */
const UNASSIGNED = /[\p{Unassigned}\p{Private_Use}]/u;

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be';

/** UTF-32 comes first: its little-endian mark begins with that of UTF-16. */
const MARKS: readonly (readonly [mark: string, encoding: Encoding])[] = [
  ['fffe0000', 'utf-32le'],
  ['0000feff', 'utf-32be'],
  ['fffe', 'utf-16le'],
  ['feff', 'utf-16be'],
];

/** Returns the text of bytes in UTF-8, UTF-16 or UTF-32; undefined for others. `isWhole` is false for a beginning. */
export function decodeText(bytes: Uint8Array, isWhole = true): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('hex');
  const marked = MARKS.find(([mark]) => start.startsWith(mark))?.[1];
  // A short text in UTF-16 may begin with NUL, which is part of the mark of UTF-32.
  const encodings: readonly Encoding[] = marked === 'utf-32le' ? [marked, 'utf-16le'] : [marked ?? 'utf-8'];
  for (const encoding of encodings) {
    const text = decodeAs(encoding, bytes, isWhole);
    // A mark alone says nothing.
    const isText = text !== undefined && !BINARY.test(text) && (text !== '' || marked === undefined);
    if (isText) return text;
  }
  return marked === undefined ? decodeUnmarked(bytes, isWhole) : undefined;
}

/** Whether bytes that are not Unicode text may be text in an older encoding, such as GBK or Latin-1. */
export function mayBeText(bytes: Uint8Array): boolean {
  return !BINARY.test(Buffer.from(bytes).toString('latin1'));
}

/** Decodes UTF-16 without a mark, which shows by the high byte of its Latin characters: it is NUL. */
function decodeUnmarked(bytes: Uint8Array, isWhole: boolean): string | undefined {
  const zeros = [0, 0];
  for (const [index, byte] of bytes.entries()) if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (bytes.length < 4 || even === odd || Math.min(even, odd) > 0) return undefined;
  const text = decodeAs(even > 0 ? 'utf-16be' : 'utf-16le', bytes, isWhole);
  return text === undefined || BINARY.test(text) || UNASSIGNED.test(text) ? undefined : text;
}

function decodeAs(encoding: Encoding, bytes: Uint8Array, isWhole: boolean): string | undefined {
  try {
    if (encoding === 'utf-32le' || encoding === 'utf-32be') return decodeUtf32(encoding, bytes, isWhole);
    // The beginning of a file may end inside a character.
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: !isWhole });
  } catch {
    return undefined;
  }
}

/** Throws a RangeError for a number that is no character. */
function decodeUtf32(encoding: Encoding, bytes: Uint8Array, isWhole: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isWhole && bytes.length % 4 !== 0) throw new RangeError('The last character is incomplete.');
  const characters: string[] = [];
  for (let at = 4; at + 4 <= bytes.length; at += 4) {
    characters.push(String.fromCodePoint(view.getUint32(at, encoding === 'utf-32le')));
  }
  return characters.join('');
}
