import type { ContentBlock } from '../model/content.ts';
import type { FileReference } from '../model/message.ts';
import type { FetchedFile } from '../model/ports.ts';
import { cutText } from '../model/cut-text.ts';
import { declaredType, detectMediaType } from './media-type.ts';

/** The raster types that every model provider reads. */
const IMAGE_TYPES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const MAX_NAME_LENGTH = 200;
const MAX_DATA_URL_LENGTH = 200;

/** A file of a result, with what fetching it gave. */
export interface ResultFile {
  readonly file: FileReference;
  /** Dify's id of the file; where it has none, its number in the result. */
  readonly id: string;
  readonly fetched: FetchedFile;
}

/**
 * The blocks of one file: always a line of text that names file, type and size, followed by the file itself
 * when there are bytes: an image, audio, or an embedded resource.
 */
export async function toFileBlocks(
  { file, id, fetched }: ResultFile,
  maxBytes: number,
): Promise<ContentBlock[]> {
  const name = fileName(file);
  if (fetched.kind !== 'bytes')
    return [{ type: 'text', text: describeAbsent(name, file, fetched, maxBytes) }];

  const { bytes } = fetched;
  const hints = { declared: [file.mimeType, fetched.mimeType], filename: name };
  const { mimeType, text } = await detectMediaType(bytes, hints);
  const line: ContentBlock = {
    type: 'text',
    text: `[file: ${name}, ${mimeType}, ${formatSize(bytes.length)}]`,
  };
  if (IMAGE_TYPES.has(mimeType)) return [line, { type: 'image', data: toBase64(bytes), mimeType }];
  if (mimeType.startsWith('audio/')) return [line, { type: 'audio', data: toBase64(bytes), mimeType }];

  const uri = `dify-file:///${encodeURIComponent(cleanName(id))}/${encodeURIComponent(name)}`;
  const content = text === undefined ? { blob: toBase64(bytes) } : { text };
  return [line, { type: 'resource', resource: { uri, mimeType, ...content } }];
}

function describeAbsent(
  name: string,
  file: FileReference,
  fetched: Exclude<FetchedFile, { kind: 'bytes' }>,
  maxBytes: number,
): string {
  const served = fetched.kind === 'too-large' ? fetched.mimeType : undefined;
  const type = declaredType({ declared: [file.mimeType, served], filename: name });
  const facts = [`file: ${name}`];
  if (type !== undefined) facts.push(type);
  if (fetched.kind === 'external') {
    return `[${facts.join(', ')}: on another server, not fetched] ${shownAddress(file.url ?? '')}`.trimEnd();
  }
  if (fetched.kind === 'unavailable') return `[${facts.join(', ')}: not available. ${fetched.reason}]`;
  const size = fetched.size ?? file.size;
  if (size !== undefined) facts.push(formatSize(size));
  const limit = `larger than the ${formatSize(maxBytes)} that a result carries, so it is not included`;
  return `[${facts.join(', ')}: ${limit}. Ask the tool for less, or open the file in Dify.]`;
}

/** The name that a person would know the file by, on one line. */
function fileName(file: FileReference): string {
  const name = cleanName(file.filename ?? '');
  return name === '' ? cleanName(nameInAddress(file.url ?? '')) || 'unnamed' : name;
}

function nameInAddress(url: string): string {
  if (url.startsWith('data:')) return '';
  const path = url.split(/[?#]/, 1)[0] ?? '';
  const last = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function cleanName(name: string): string {
  return cutText(name.replace(/[\p{Control}\p{Surrogate}]+/gu, ' ').trim(), MAX_NAME_LENGTH);
}

/** An address fit for a line of text: without the signature of a Dify link, a data URL cut. */
function shownAddress(url: string): string {
  if (url.startsWith('data:')) return cutText(url, MAX_DATA_URL_LENGTH);
  const query = url.indexOf('?');
  const isSigned = query > 0 && url.slice(0, query).includes('/files/') && /[?&]sign=/.test(url.slice(query));
  return isSigned ? url.slice(0, query) : url;
}

/** Bytes in words, decimal units. */
function formatSize(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  const [value, unit] = bytes < 999_950 ? [bytes / 1000, 'KB'] : [bytes / 1_000_000, 'MB'];
  return `${Number(value.toFixed(1))} ${unit}`;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
