import { decodeText, mayBeText } from '../model/decode-text.ts';
import { isTextType, typeOfName, UNKNOWN_TYPE } from '../model/media-types.ts';

/** Container types that say little about their content: a more precise declared type takes precedence. */
const CONTAINERS = new Set(['application/xml', 'application/zip', 'application/x-cfb', 'application/gzip']);

/** Types whose files consist of text. If the bytes show any other type, the file is not text. */
const TEXT_FORMATS = /^(text\/.+|.+\+xml|application\/(xml|pdf|rtf|postscript|eps|pgp-encrypted)|model\/.+)$/;
/** Types whose files are never text. A text file that declares one has the wrong type. */
const BINARY_FORMATS =
  /^((audio|video|font)\/.+|application\/(pdf|zip|gzip|msword|x-(7z|rar|tar|bzip).*|vnd\.(ms-|openxml|oasis).*|.+\+zip))$/;
/** Containers of sound and pictures: the bytes do not show whether a file has both. */
const AV_CONTAINER = /^(?:audio|video|application)\/(?:x-)?(mp4|m4[abv]|quicktime|webm|matroska|ogg|3gpp2?)$/;

const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** What is known about a file besides its bytes. */
export interface TypeHints {
  /** The `mime_type` of the message, then the Content-Type of the download: the more trusted type first. */
  readonly declared: readonly (string | undefined)[];
  readonly filename: string;
}

/** A file's type, and its text if it is a text file. */
export interface MediaType {
  readonly mimeType: string;
  /** Present if and only if the type is textual and the bytes are text in UTF-8, UTF-16 or UTF-32. */
  readonly text?: string;
}

/** The raster image types that every model provider accepts. */
const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

/** Returns the form in which a result can show a file; undefined if it can only link to it. */
export function inlineForm({ mimeType, text }: MediaType): 'image' | 'audio' | 'text' | undefined {
  if (IMAGES.has(mimeType)) return 'image';
  if (mimeType.startsWith('audio/')) return 'audio';
  return text === undefined ? undefined : 'text';
}

/**
 * Returns the type of a file, determined by its bytes first: model providers refuse an image under a wrong type at
 * every turn of the conversation. A declared type is believed unless the bytes contradict it; that of a raster image
 * never is. If the file is still arriving, `bytes` is its beginning, and so is the text.
 */
export async function detectMediaType(
  bytes: Uint8Array,
  hints: TypeHints,
  isWhole = true,
): Promise<MediaType> {
  const declared = declaredType(hints);
  const text = decodeText(bytes, isWhole);
  if (text !== undefined && declared !== undefined && isTextType(declared))
    return { mimeType: declared, text };

  const found = await sniff(bytes);
  // For some types two bytes suffice, with which text in an older encoding may begin.
  const isText = text !== undefined || (isTextType(declared ?? '') && mayBeText(bytes));
  const isFound = found !== undefined && (!isText || TEXT_FORMATS.test(found));
  const mimeType = isFound ? preferPrecise(found, declared) : unconfirmed(declared, text);
  return text !== undefined && isTextType(mimeType) ? { mimeType, text } : { mimeType };
}

/** Returns the type according to message, server or file name; undefined if they give none. */
export function declaredType({ declared, filename }: TypeHints): string | undefined {
  for (const value of declared) {
    const type = value?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== undefined && /^[a-z]+\/[a-z0-9.+_-]+$/.test(type) && type !== UNKNOWN_TYPE) return type;
  }
  return typeOfName(filename);
}

async function sniff(bytes: Uint8Array): Promise<string | undefined> {
  // Loaded with the first file, because most processes never see one and loading delays the start. If an update of the
  // package has removed the module from under the running bridge, the result must still arrive.
  const found = await import('file-type')
    .then(({ fileTypeFromBuffer }) => fileTypeFromBuffer(bytes))
    .catch(() => undefined);
  // An animated PNG is a valid PNG too.
  if (found?.mime === 'image/apng') return 'image/png';
  if (found === undefined && PNG_SIGNATURE.equals(bytes.subarray(0, PNG_SIGNATURE.length)))
    return 'image/png';
  return found?.mime;
}

function preferPrecise(found: string, declared: string | undefined): string {
  if (declared === undefined) return found;
  if (CONTAINERS.has(found)) return isRaster(declared) || declared.startsWith('audio/') ? found : declared;
  return AV_CONTAINER.test(found) && AV_CONTAINER.test(declared) && familyOf(found) === familyOf(declared)
    ? declared
    : found;
}

function familyOf(type: string): string {
  const [, name = ''] = AV_CONTAINER.exec(type) ?? [];
  return name.startsWith('m4') ? 'mp4' : name;
}

/** Returns the type of bytes that show none: the declared one, unless they contradict it plainly. */
function unconfirmed(declared: string | undefined, text: string | undefined): string {
  const isText = text !== undefined && text !== '';
  const isContradicted = declared !== undefined && isText && BINARY_FORMATS.test(declared);
  if (declared !== undefined && !isRaster(declared) && !isContradicted) return declared;
  return isText ? 'text/plain' : UNKNOWN_TYPE;
}

function isRaster(type: string): boolean {
  return type.startsWith('image/') && !type.endsWith('+xml');
}
