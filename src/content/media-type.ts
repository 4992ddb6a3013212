import { isTextType, typeOfName, UNKNOWN_TYPE } from '../model/media-types.ts';

/** Containers that say little of what they hold: a more precise declared type is used. */
const CONTAINERS = new Set(['application/xml', 'application/zip', 'application/x-cfb', 'application/gzip']);

/** Control characters that no text has. ESC, form feed and the like occur in logs. */
// oxlint-disable-next-line no-control-regex -- finding them is the purpose
const BINARY = /[\u0000-\u0006\u000e-\u001a]/;

const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** What is known of a file besides its bytes, most trusted first. */
export interface TypeHints {
  /** `mime_type` of the message, then the Content-Type of the download. */
  readonly declared: readonly (string | undefined)[];
  readonly filename: string;
}

/** A file's type, and its text where it is one. */
export interface MediaType {
  readonly mimeType: string;
  /** Present exactly when the type is textual and the bytes are valid UTF-8. */
  readonly text?: string;
}

/** The raster types that every model provider reads. */
const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

/** The form in which a result can show a file; undefined for those that a result only links to. */
export function inlineForm({ mimeType, text }: MediaType): 'image' | 'audio' | 'text' | undefined {
  if (IMAGES.has(mimeType)) return 'image';
  if (mimeType.startsWith('audio/')) return 'audio';
  return text === undefined ? undefined : 'text';
}

/**
 * The type of a file by its bytes first: a picture under a wrong type is refused by model providers again and
 * again, until the conversation is given up. A raster image type is never taken on trust. Of a file that has only
 * begun to arrive, `bytes` is the beginning, and the text that of the beginning.
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

/** The type that message, server or file name give; undefined when they give none. */
export function declaredType({ declared, filename }: TypeHints): string | undefined {
  for (const value of declared) {
    const type = value?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== undefined && /^[a-z]+\/[a-z0-9.+_-]+$/.test(type) && type !== UNKNOWN_TYPE) return type;
  }
  return typeOfName(filename);
}

async function sniff(bytes: Uint8Array): Promise<string | undefined> {
  // Loaded with the first file: most processes never see one, and it costs time at the start. An update of the
  // package while the bridge runs may have taken it away; a result is not lost for that.
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
    // The beginning of a file may end within a character.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !isWhole });
    return BINARY.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
