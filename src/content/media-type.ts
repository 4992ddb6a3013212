import { isTextType, typeOfName, UNKNOWN_TYPE } from '../model/media-types.ts';

/** Container types that say little about their content: a more precise declared type takes precedence. */
const CONTAINERS = new Set(['application/xml', 'application/zip', 'application/x-cfb', 'application/gzip']);

/** Control characters that do not occur in text. ESC, form feed and similar ones occur in logs. */
// oxlint-disable-next-line no-control-regex -- finding them is the purpose
const BINARY = /[\u0000-\u0006\u000e-\u001a]/;

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
  /** Present if and only if the type is textual and the bytes are valid UTF-8. */
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
 * every turn of the conversation. A declared raster image type is never trusted. If the file is still arriving, `bytes`
 * is its beginning, and so is the text.
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
  const mimeType = found === undefined ? unconfirmed(declared, text) : preferPrecise(found, declared);
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
  if (declared === undefined || !CONTAINERS.has(found)) return found;
  const isRaster = declared.startsWith('image/') && !declared.endsWith('+xml');
  return isRaster || declared.startsWith('audio/') ? found : declared;
}

function unconfirmed(declared: string | undefined, text: string | undefined): string {
  const isRaster = declared?.startsWith('image/') === true && !declared.endsWith('+xml');
  if (declared !== undefined && !isRaster) return declared;
  return text === undefined || text === '' ? UNKNOWN_TYPE : 'text/plain';
}

function decodeText(bytes: Uint8Array, isWhole: boolean): string | undefined {
  try {
    // The beginning of a file may end inside a character.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !isWhole });
    return BINARY.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
