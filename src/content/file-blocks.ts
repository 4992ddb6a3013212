import type { ContentBlock, ResourceLink } from '../model/content.ts';
import { withoutSteering } from '../model/invisible-characters.ts';
import { harmlessType } from '../model/media-types.ts';
import type { Delivery } from './delivery.ts';
import type { AccessibleFile } from './result-store.ts';

/** Returns the block of one file; none for a file that is not there. A text that a browser would run is plain text. */
export function toFileBlocks(delivery: Delivery, name: string): ContentBlock[] {
  switch (delivery.kind) {
    case 'image':
    case 'audio': {
      const { kind, bytes, mimeType, stored } = delivery;
      const media = { data: toBase64(bytes), mimeType, name };
      return [kind === 'image' ? { type: kind, ...media } : { type: kind, ...media, uri: stored?.file.uri }];
    }
    case 'text': {
      const { stored } = delivery;
      const text = withoutSteering(delivery.text);
      if (stored === undefined) return [{ type: 'text', text }];
      const resource = { uri: stored.file.uri, mimeType: harmlessType(delivery.mimeType), text };
      return [{ type: 'resource', resource, name }];
    }
    case 'stored':
      return [toResourceLink(delivery.stored)];
    default:
      return [];
  }
}

/** Returns the link to a stored file. */
export function toResourceLink({ file }: AccessibleFile): ResourceLink {
  const { uri, name, mimeType, size } = file;
  return { type: 'resource_link', uri, name, mimeType: harmlessType(mimeType), size };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
