import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { nameInAddress } from '../model/name-in-address.ts';
import type { ContentBlock, ToolResult } from '../model/content.ts';
import { BridgeError, systemErrorCode } from '../model/errors.ts';
import { RESERVED_NAMES } from '../files/names.ts';
import { extensionOfType } from '../model/media-types.ts';

export interface SavedFile {
  readonly path: string;
  readonly mimeType: string;
  readonly bytes: number;
}

interface SaveOptions {
  /** Created if it is missing. */
  readonly folder: string;
  /** The name for a file without one. */
  readonly fallback: string;
  /** Yields the bytes of a file that the result links to. */
  readonly read: (uri: string) => AsyncIterable<Uint8Array>;
}

const MAX_NAME = 100;
const MAX_NUMBER = 10_000;

/**
 * Saves the files of a result under their own names. Streams linked files to disk. Never overwrites: a
 * taken name gets a number.
 */
export async function saveFiles(
  content: readonly ContentBlock[],
  { folder, fallback, read }: SaveOptions,
): Promise<readonly SavedFile[]> {
  const saved: SavedFile[] = [];
  for (const block of content) {
    const file = fileOf(block, fallback, read);
    if (file === undefined) continue;
    if (saved.length === 0) {
      await mkdir(folder, { recursive: true }).catch((error: unknown) => {
        throw notWritable(folder, error);
      });
    }
    const { path, bytes } = await writeNew(folder, safeName(file.name, file.mimeType), file.content);
    saved.push({ path, mimeType: file.mimeType, bytes });
  }
  return saved;
}

/** Returns the text blocks of a result, which `saveFiles` does not save. */
export function textOf({ content }: ToolResult): string {
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
}

/** Returns true for blocks that `saveFiles` saves. */
export function isFile(block: ContentBlock): boolean {
  return block.type !== 'text';
}

/**
 * Returns a name that is safe in any folder: one path segment, not hidden, no control or otherwise
 * troublesome characters, no Windows device, limited in length, with an extension if the type has one.
 */
export function safeName(name: string, mimeType: string): string {
  const segment = name.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const clean = segment
    // Control, format and bidi characters could disguise a name.
    .replace(/[\p{C}\p{Zl}\p{Zp}<>:"|?*]+/gu, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '');
  const harmless = clean === '' ? 'file' : RESERVED_NAMES.test(clean) ? `_${clean}` : clean;
  const extension = extname(harmless) || (extensionOfType(mimeType) ?? '');
  const stem = extname(harmless) === '' ? harmless : harmless.slice(0, -extname(harmless).length);
  return `${cut(stem, MAX_NAME - extension.length)}${cut(extension, 20)}`;
}

interface UnsavedFile {
  readonly name: string;
  readonly mimeType: string;
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

function fileOf(block: ContentBlock, fallback: string, read: SaveOptions['read']): UnsavedFile | undefined {
  if (block.type === 'text') return undefined;
  const name = block.name ?? (block.type === 'resource' ? nameInAddress(block.resource.uri) : fallback);
  switch (block.type) {
    case 'resource_link':
      return { name, mimeType: block.mimeType, content: read(block.uri) };
    case 'resource': {
      const { resource } = block;
      const bytes =
        'blob' in resource ? Buffer.from(resource.blob, 'base64') : Buffer.from(resource.text, 'utf8');
      return { name, mimeType: resource.mimeType, content: [bytes] };
    }
    default:
      return { name, mimeType: block.mimeType, content: [Buffer.from(block.data, 'base64')] };
  }
}

/** Writes a new file; a taken name gets a number before its extension. */
async function writeNew(
  folder: string,
  name: string,
  content: UnsavedFile['content'],
): Promise<{ readonly path: string; readonly bytes: number }> {
  const { path, handle } = await openNew(folder, name);
  try {
    await writeFile(handle, content);
    return { path, bytes: (await handle.stat()).size };
  } catch (error) {
    await rm(path, { force: true });
    throw error instanceof BridgeError ? error : notWritable(path, error);
  } finally {
    await handle.close();
  }
}

async function openNew(
  folder: string,
  name: string,
): Promise<{ readonly path: string; readonly handle: FileHandle }> {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  for (let number = 1; number <= MAX_NUMBER; number += 1) {
    const path = join(folder, number === 1 ? name : `${stem}-${number}${extension}`);
    try {
      // `wx` fails on anything that exists, including links, so the write stays in the folder.
      return { path, handle: await open(path, 'wx') };
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw notWritable(path, error);
    }
  }
  throw new BridgeError('usage', `The folder ${folder} has ${MAX_NUMBER} files called ${name} already.`);
}

function notWritable(path: string, error: unknown): BridgeError {
  return new BridgeError('usage', `${path} cannot be written (${systemErrorCode(error)}).`, {
    hint: 'Choose a folder that you may write to with --out.',
    cause: error,
  });
}

function cut(text: string, length: number): string {
  return Array.from(text).slice(0, length).join('');
}
