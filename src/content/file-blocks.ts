import type { ContentBlock, ResourceLink } from '../model/content.ts';
import { harmlessType } from '../model/media-types.ts';
import type { Delivery } from './delivery.ts';
import { nameBlock } from './file-names.ts';
import type { KeptFile } from './keeper.ts';

/**
 * The blocks of one file, besides the line that names it: an image, a sound, a text, or a link to the file that the
 * bridge keeps. None for a file that is not there. A text that a browser would run is plain text.
 */
export function toFileBlocks(delivery: Delivery, name: string): ContentBlock[] {
  switch (delivery.kind) {
    case 'image':
      return [
        nameBlock({ type: 'image', data: toBase64(delivery.bytes), mimeType: delivery.mimeType }, name),
      ];
    case 'audio': {
      const { bytes, mimeType, kept } = delivery;
      return [nameBlock({ type: 'audio', data: toBase64(bytes), mimeType, uri: kept?.file.uri }, name)];
    }
    case 'text': {
      const { kept, text } = delivery;
      if (kept === undefined) return [{ type: 'text', text }];
      const resource = { uri: kept.file.uri, mimeType: harmlessType(delivery.mimeType), text };
      return [nameBlock({ type: 'resource', resource }, name)];
    }
    case 'kept':
      return [toResourceLink(delivery.kept)];
    default:
      return [];
  }
}

/** The link to a file that the bridge keeps. */
export function toResourceLink({ file }: KeptFile): ResourceLink {
  const { uri, name, mimeType, size } = file;
  return { type: 'resource_link', uri, name, mimeType: harmlessType(mimeType), size };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
