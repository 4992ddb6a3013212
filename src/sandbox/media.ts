import { encodePng } from './png.ts';

/** Returns a red image of 8 by 8 pixels. */
export function redDot(): Uint8Array {
  const pixels = new Uint8Array(8 * 8 * 3);
  for (let index = 0; index < pixels.length; index += 3) pixels.set([214, 48, 49], index);
  return encodePng(8, 8, pixels);
}

/** Returns a tenth of a second of 440 Hz: WAV, mono, 8 bits, 8,000 samples per second. */
export function shortBeep(): Uint8Array {
  const rate = 8_000;
  const samples = rate / 10;
  const file = Buffer.alloc(44 + samples);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(36 + samples, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate, 28);
  file.writeUInt16LE(1, 32);
  file.writeUInt16LE(8, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(samples, 40);
  for (let index = 0; index < samples; index += 1) {
    file.writeUInt8(128 + Math.round(100 * Math.sin((index / rate) * 440 * 2 * Math.PI)), 44 + index);
  }
  return file;
}
