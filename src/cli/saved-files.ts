import { mkdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { BridgeError } from '../model/errors.ts';
import { extensionOfType } from '../model/media-types.ts';
import type { ContentBlock } from '../model/content.ts';

/** A file of a result, saved. */
export interface SavedFile {
  readonly path: string;
  readonly mimeType: string;
  readonly bytes: number;
}

const MAX_NAME = 100;
const MAX_NUMBER = 10_000;

/** Names that Windows keeps for devices, whatever their extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * Saves the images, sounds and embedded files of a result in a folder, which is made if it is missing. A file
 * is called as its resource is, or else after `fallback` and its type. Existing files stay: a number is added.
 */
export async function saveFiles(
  content: readonly ContentBlock[],
  folder: string,
  fallback: string,
): Promise<readonly SavedFile[]> {
  const saved: SavedFile[] = [];
  for (const block of content) {
    const file = fileOf(block, fallback);
    if (file === undefined) continue;
    if (saved.length === 0) await makeFolder(folder);
    const path = await writeNew(folder, safeName(file.name, file.mimeType), file.bytes);
    saved.push({ path, mimeType: file.mimeType, bytes: file.bytes.byteLength });
  }
  return saved;
}

/** True for blocks that `saveFiles` would save. */
export function isFile(block: ContentBlock): boolean {
  return block.type !== 'text';
}

/**
 * A name that is safe in any folder: one path segment, without control and other troublesome characters, not
 * hidden, not a device of Windows, of limited length, with an extension where the type has one.
 */
export function safeName(name: string, mimeType: string): string {
  const segment = name.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const clean = segment
    // Control, format and bidi characters could make a name look like another one.
    .replace(/[\p{C}\p{Zl}\p{Zp}<>:"|?*]+/gu, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '');
  const harmless = clean === '' ? 'file' : DEVICE.test(clean) ? `_${clean}` : clean;
  const extension = extname(harmless) || (extensionOfType(mimeType) ?? '');
  const stem = extname(harmless) === '' ? harmless : harmless.slice(0, -extname(harmless).length);
  return `${cut(stem, MAX_NAME - extension.length)}${cut(extension, 20)}`;
}

function fileOf(
  block: ContentBlock,
  fallback: string,
): { name: string; mimeType: string; bytes: Uint8Array } | undefined {
  if (block.type === 'text') return undefined;
  if (block.type !== 'resource') {
    return { name: fallback, mimeType: block.mimeType, bytes: Buffer.from(block.data, 'base64') };
  }
  const { resource } = block;
  const bytes =
    'blob' in resource ? Buffer.from(resource.blob, 'base64') : Buffer.from(resource.text, 'utf8');
  return { name: nameOf(resource.uri) ?? fallback, mimeType: resource.mimeType, bytes };
}

/** The last segment of an address's path. */
function nameOf(uri: string): string | undefined {
  const path = uri.replace(/[?#].*$/, '');
  const segment = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(segment) || undefined;
  } catch {
    return segment;
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw notWritable(folder, error);
  }
}

/** Writes a file that was not there before; a taken name gets a number before its extension. */
async function writeNew(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  for (let number = 1; number <= MAX_NUMBER; number += 1) {
    const path = join(folder, number === 1 ? name : `${stem}-${number}${extension}`);
    try {
      // `wx` fails on anything that exists, links included, so nothing outside the folder can be reached.
      await writeFile(path, bytes, { flag: 'wx' });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw notWritable(path, error);
    }
  }
  throw new BridgeError('usage', `The folder ${folder} has ${MAX_NUMBER} files called ${name} already.`);
}

function notWritable(path: string, error: unknown): BridgeError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return new BridgeError('usage', `${path} cannot be written (${code}).`, {
    hint: 'Choose a folder that you may write to with --out.',
    cause: error,
  });
}

function cut(text: string, length: number): string {
  return Array.from(text).slice(0, length).join('');
}
