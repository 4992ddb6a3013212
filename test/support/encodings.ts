/** Returns a text in UTF-16, big-endian. */
export function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

export function utf32(text: string, order: 'le' | 'be'): Buffer {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const bytes = Buffer.alloc(codes.length * 4);
  for (const [index, code] of codes.entries()) {
    if (order === 'le') bytes.writeUInt32LE(code, index * 4);
    else bytes.writeUInt32BE(code, index * 4);
  }
  return bytes;
}

/** Returns the beginning of an MP4 file of a brand. */
export function isoMedia(brand: string): Buffer {
  const box = Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\x02\0${brand}iso2`, 'latin1');
  return Buffer.concat([box, Buffer.from([0, 0, 0, 8]), Buffer.from('free')]);
}
