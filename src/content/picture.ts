import { crc32 } from 'node:zlib';

/** Why no model takes a picture. Sent in spite of it, it would break the conversation at every later turn. */
export type PictureFlaw = 'damaged' | { readonly width: number; readonly height: number };

/** The longest side that model providers accept, in pixels. */
export const MAX_SIDE = 8000;
/** Deflate shrinks data to a 1032nd of its size at most. */
const MAX_DEFLATION = 1032;
const MARGIN_BYTES = 64;

/** What `image-size` calls the raster types, and whether the bytes of one are whole. */
const FORMATS: Readonly<Record<string, readonly [name: string, isWhole: (bytes: Buffer) => boolean]>> = {
  'image/png': ['png', isWholePng],
  'image/jpeg': ['jpg', isWholeJpeg],
  'image/gif': ['gif', isWholeGif],
  'image/webp': ['webp', isWholeWebp],
};

/** Resolves with why no model takes a picture of a raster type; undefined if nothing in its structure is wrong. */
export async function flawOf(picture: Uint8Array, mimeType: string): Promise<PictureFlaw | undefined> {
  const [name, isWhole] = FORMATS[mimeType] ?? [];
  const bytes = Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength);
  // Loaded with the first picture, and not required, for the same reasons as `file-type`.
  const sizes = await import('image-size').catch(() => undefined);
  try {
    if (isWhole?.(bytes) !== true) return 'damaged';
    if (sizes === undefined) return undefined;
    const { type, width, height } = sizes.imageSize(bytes);
    if (type !== name || width < 1 || height < 1) return 'damaged';
    return Math.max(width, height) > MAX_SIDE ? { width, height } : undefined;
  } catch {
    return 'damaged';
  }
}

/** Whether the critical chunks are intact, and the pixels can be in their data. */
function isWholePng(bytes: Buffer): boolean {
  let data = 0;
  for (let at = 8; ; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const end = at + 8 + length;
    const isCritical = /^[A-Z]/.test(type);
    if (isCritical && crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end)) return false;
    if (at === 8 && type !== 'IHDR') return false;
    if (type === 'IDAT') data += length;
    if (type === 'IEND') return data > 0 && pngBytes(bytes) / MAX_DEFLATION < data + MARGIN_BYTES;
    at = end + 4;
  }
}

function pngBytes(bytes: Buffer): number {
  const [width, height, depth, colour] = [
    bytes.readUInt32BE(16),
    bytes.readUInt32BE(20),
    bytes[24],
    bytes[25],
  ];
  const channels = [1, 0, 3, 1, 2, 0, 4][colour ?? 0] ?? 0;
  return height * Math.ceil((width * channels * (depth ?? 0)) / 8);
}

/** Whether the end of the image follows its scan: an embedded preview has an end of its own before that. */
function isWholeJpeg(bytes: Buffer): boolean {
  for (let at = 2; ; ) {
    while (bytes.readUInt16BE(at) === 0xffff) at += 1;
    const marker = bytes.readUInt16BE(at);
    if (marker === 0xffda) return bytes.lastIndexOf('ffd9', undefined, 'hex') > at;
    if (marker < 0xff01) return false;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
}

/** Whether there is an image, and the trailer at the end. */
function isWholeGif(bytes: Buffer): boolean {
  let end = bytes.length - 1;
  while (bytes[end] === 0) end -= 1;
  return bytes[end] === 0x3b && bytes.indexOf(0x2c, 13) !== -1;
}

function isWholeWebp(bytes: Buffer): boolean {
  return bytes.readUInt32LE(4) + 8 <= bytes.length;
}
