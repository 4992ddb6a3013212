import { crc32, inflateSync } from 'node:zlib';

/** A PNG picture, decoded as far as a viewer would notice a fault. */
export interface Png {
  readonly width: number;
  readonly height: number;
  /** Bytes of the rows, filters included. */
  readonly rows: Buffer;
}

/** Colour types by their number of channels. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Decodes a PNG: signature, chunk order and checksums, the deflated rows and their length. Throws on a fault. */
export function decodePng(bytes: Buffer): Png {
  if (bytes.toString('latin1', 0, 8) !== '\u0089PNG\r\n\u001a\n') throw new Error('No PNG signature.');
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    if (crc32(body) !== bytes.readUInt32BE(at + 8 + length)) throw new Error('A chunk has a wrong checksum.');
    chunks.push({ type: body.toString('latin1', 0, 4), data: body.subarray(4) });
    at += 12 + length;
  }
  const header = chunks[0]?.data;
  if (chunks[0]?.type !== 'IHDR' || header === undefined) throw new Error('IHDR is not the first chunk.');
  if (chunks.at(-1)?.type !== 'IEND') throw new Error('IEND is not the last chunk.');
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth = 0, color = -1] = [header[8], header[9]];
  const data = chunks.filter(({ type }) => type === 'IDAT').map((chunk) => chunk.data);
  const rows = inflateSync(Buffer.concat(data));
  const rowBytes = 1 + Math.ceil((width * depth * (CHANNELS[color] ?? Number.NaN)) / 8);
  if (rows.length !== rowBytes * height) throw new Error(`The rows have ${rows.length} bytes.`);
  return { width, height, rows };
}
