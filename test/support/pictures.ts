import { crc32, deflateSync } from 'node:zlib';
import { GIF, JPEG, PNG, WEBP } from './content-fixtures.ts';

/** Returns a PNG of black pixels; with `data`, one that has these bytes in place of its pixels. */
export function pngOf(width: number, height: number, data?: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const pixels = data ?? deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height));
  const signature = PNG.subarray(0, 8);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Returns the bytes with some of them replaced. */
function patched(bytes: Buffer, at: number, hex: string): Buffer {
  const copy = Buffer.from(bytes);
  copy.write(hex, at, 'hex');
  return copy;
}

const frameOf = (bytes: Buffer): number => bytes.indexOf('ffc0', 0, 'hex') + 5;
/** A JPEG whose metadata contains a whole preview. */
const withPreview = Buffer.concat([
  JPEG.subarray(0, 2),
  Buffer.from('ffe1', 'hex'),
  Buffer.from([(JPEG.length + 2) >> 8, (JPEG.length + 2) & 0xff]),
  JPEG,
  JPEG.subarray(2),
]);

/** Pictures that models take. */
export const GOOD_PICTURES: readonly (readonly [about: string, bytes: Buffer])[] = [
  ['PNG', PNG],
  ['PNG of 8,000 pixels', pngOf(8000, 1)],
  ['PNG with bytes behind it', Buffer.concat([PNG, Buffer.alloc(100)])],
  ['JPEG', JPEG],
  ['JPEG with a preview', withPreview],
  ['GIF', GIF],
  ['WebP', WEBP],
];

/** Pictures that no model takes, and the words for why. */
export const BAD_PICTURES: readonly (readonly [about: string, bytes: Buffer, why: RegExp])[] = [
  ['PNG of 8 bytes', PNG.subarray(0, 8), /damaged/],
  ['PNG of 33 bytes', PNG.subarray(0, 33), /damaged/],
  ['PNG without its end', PNG.subarray(0, -12), /damaged/],
  ['PNG without pixels', pngOf(4, 4, Buffer.alloc(0)), /damaged/],
  ['PNG with a wrong checksum', patched(PNG, 45, 'ffff'), /damaged/],
  ['PNG of no width', pngOf(0, 4), /damaged/],
  ['PNG that cannot have its pixels', pngOf(8000, 8000, deflateSync(Buffer.alloc(100))), /damaged/],
  ['PNG of 9,000 pixels', pngOf(9000, 4), /9,000 × 4 pixels/],
  ['PNG of 4,294,967,295 pixels', pngOf(2 ** 32 - 1, 1, Buffer.alloc(600_000)), /4,294,967,295 × 1 pixels/],
  ['JPEG of 3 bytes', JPEG.subarray(0, 3), /damaged/],
  ['JPEG without its end', JPEG.subarray(0, -2), /damaged/],
  ['JPEG without its end, with a preview', withPreview.subarray(0, -2), /damaged/],
  ['JPEG of no height', patched(JPEG, frameOf(JPEG), '0000'), /damaged/],
  ['JPEG of 9,000 pixels', patched(JPEG, frameOf(JPEG), '00042328'), /9,000 × 4 pixels/],
  ['GIF of 10 bytes', GIF.subarray(0, 10), /damaged/],
  ['GIF without its end', GIF.subarray(0, -1), /damaged/],
  ['GIF without an image', Buffer.concat([GIF.subarray(0, 19), Buffer.from(';')]), /damaged/],
  ['GIF of 9,000 pixels', patched(GIF, 6, '28230400'), /9,000 × 4 pixels/],
  ['WebP of 16 bytes', WEBP.subarray(0, 16), /damaged/],
  ['WebP without its end', WEBP.subarray(0, -6), /damaged/],
  ['WebP of another kind', patched(WEBP, 12, '58585858'), /damaged/],
  ['WebP of 9,001 pixels', patched(WEBP, 21, '28e30000'), /9,001 × 4 pixels/],
];
