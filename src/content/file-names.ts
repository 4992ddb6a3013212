import type { ContentBlock } from '../model/content.ts';
import { cutText } from '../model/cut-text.ts';
import type { FileReference } from '../model/message.ts';

const MAX_NAME_LENGTH = 200;

/** Beside the blocks: MCP has no place for the name of an image or a sound. */
const names = new WeakMap<ContentBlock, string>();

/** The name that a person would know the file by, on one line. */
export function fileName(file: FileReference): string {
  const name = cleanName(file.filename ?? '');
  return name === '' ? cleanName(nameInAddress(file.url ?? '')) || 'unnamed' : name;
}

/** Remembers the name of the file that a block carries, for `nameOfBlock`. */
export function nameBlock<Block extends ContentBlock>(block: Block, name: string): Block {
  names.set(block, name);
  return block;
}

/** The name of the file that a block of a result of this process carries. */
export function nameOfBlock(block: ContentBlock): string | undefined {
  return names.get(block) ?? (block.type === 'resource_link' ? block.name : undefined);
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
