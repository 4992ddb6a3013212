import { UNKNOWN_TYPE } from '../model/media-types.ts';

/** The longest name, in bytes of UTF-8: file systems allow 255, and programs add their own extensions. */
const MAX_NAME_BYTES = 200;
/** Longer than any real extension; anything longer is cut with the rest of the name. */
const MAX_EXTENSION_LENGTH = 16;

/** Control characters, marks that reverse the direction of writing (they disguise extensions), lone surrogates. */
const INVISIBLE = /[\p{Control}\p{Surrogate}\u202a-\u202e\u2066-\u2069]+/gu;
/** Characters that Windows does not allow in a name. */
const RESERVED_CHARACTERS = /[<>:"|?*]/g;
/** Device names of Windows, whatever follows the dot. */
export const RESERVED_NAMES = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Returns a file name that is valid on any system and has no path. Preserves letters of all scripts. */
export function cleanFileName(name: string): string {
  const last = name.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const plain = last.replace(INVISIBLE, ' ').replace(RESERVED_CHARACTERS, '_').trim();
  const ending = /\.[^.\s]+$/.exec(plain)?.[0] ?? '';
  const extension = ending.length <= MAX_EXTENSION_LENGTH && ending !== plain ? ending : '';
  const stem = cutBytes(
    plain.slice(0, plain.length - extension.length),
    MAX_NAME_BYTES - Buffer.byteLength(extension),
  );
  const cleaned = `${stem}${extension}`.replace(/[. ]+$/, '');
  if (cleaned === '') return 'file';
  return RESERVED_NAMES.test(cleaned) ? `_${cleaned}` : cleaned;
}

/** Returns a media type without parameters; the type of unknown bytes for a text that is none. */
export function plainType(mimeType: string): string {
  const type = mimeType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return /^[a-z0-9.+_-]+\/[a-z0-9.+_-]+$/.test(type) ? type : UNKNOWN_TYPE;
}

/** Returns at most `max` bytes of a text, without a partial character at the end. */
function cutBytes(text: string, max: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= max) return text;
  // The decoder turns a partial character into U+FFFD.
  return bytes
    .subarray(0, max)
    .toString()
    .replace(/\uFFFD+$/u, '');
}

/** Returns the name in a Content-Disposition header (RFC 6266), preferably the Unicode one; undefined without one. */
export function nameInHeader(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const extended = /;\s*filename\*\s*=\s*"?(utf-8|iso-8859-1)'[^']*'([^;"\s]+)/i.exec(header);
  if (extended !== null) {
    const [, charset = '', text = ''] = extended;
    const decoded = charset.toLowerCase() === 'utf-8' ? decoded8(text) : unescape1(text);
    if (decoded !== undefined && decoded !== '') return decoded;
  }
  const [, quoted, plain] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i.exec(header) ?? [];
  const name = quoted?.replace(/\\(.)/g, '$1') ?? plain?.trim();
  // Many servers send UTF-8 here, and Node reads headers as Latin-1.
  return name === undefined || name === '' ? undefined : asUtf8(name);
}

function decoded8(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function unescape1(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  );
}

function asUtf8(latin1: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1;
  }
}
