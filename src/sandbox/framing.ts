import type { Features } from './features.ts';
import type { WireMessage } from './messages.ts';

/** What one frame carries: a message, or the text with which the stream ends in failure. */
export type FrameContent = { readonly message: WireMessage } | { readonly error: string };

const MAGIC = 0x0f;
/** Everything before the JSON: magic, a reserved byte, the header's length, the data's length, six zeros. */
const PREFIX_BYTES = 14;
/** Bytes that the header counts for itself: data length and reserve. */
const HEADER_BYTES = 10;

/** The bytes of one frame, in the form that the given release uses. */
export function encodeFrame(content: FrameContent, features: Features): Uint8Array {
  const envelope =
    'error' in content ? { data: null, error: content.error } : { data: content.message, error: '' };
  const json = JSON.stringify(envelope);
  if (!features.lengthPrefixedFrames) return Buffer.from(`${json}\n\n`);
  const data = Buffer.from(json);
  const frame = Buffer.alloc(PREFIX_BYTES + data.length);
  frame.writeUInt8(MAGIC, 0);
  frame.writeUInt16LE(HEADER_BYTES, 2);
  frame.writeUInt32LE(data.length, 4);
  data.copy(frame, PREFIX_BYTES);
  return frame;
}
