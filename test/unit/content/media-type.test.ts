import { describe, expect, it } from 'vitest';
import { detectMediaType } from '../../../src/content/media-type.ts';
import { GIF, JPEG, PDF, PNG, WAV, WEBP } from '../../support/content-fixtures.ts';
import { isoMedia, utf16be, utf32 } from '../../support/encodings.ts';

const CSV = 'Name,Größe\n王,1\r\n';
const MARK = '\ufeff';
const utf16le = (text: string): Buffer => Buffer.from(text, 'utf16le');
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('text', () => {
  it.each([
    ['UTF-8', Buffer.from(CSV)],
    ['UTF-8 with a mark', Buffer.from(MARK + CSV)],
    ['UTF-16, little-endian, with a mark', utf16le(MARK + CSV)],
    ['UTF-16, big-endian, with a mark', utf16be(MARK + CSV)],
    ['UTF-16, little-endian', utf16le(CSV)],
    ['UTF-16, big-endian', utf16be(CSV)],
    ['UTF-32, little-endian, with a mark', utf32(MARK + CSV, 'le')],
    ['UTF-32, big-endian, with a mark', utf32(MARK + CSV, 'be')],
  ])('is recognised in %s, whatever else is declared', async (_, bytes) => {
    const declare = (type: string | undefined, filename = 'people') =>
      detectMediaType(bytes, { declared: [type], filename });
    expect(await declare('text/csv')).toEqual({ mimeType: 'text/csv', text: CSV });
    expect(await declare(undefined, 'people.csv')).toEqual({ mimeType: 'text/csv', text: CSV });
    for (const wrong of [
      undefined,
      'application/octet-stream',
      'audio/mpeg',
      'image/png',
      'application/pdf',
    ]) {
      expect(await declare(wrong), wrong).toEqual({ mimeType: 'text/plain', text: CSV });
    }
    // The beginning of a file ends anywhere.
    for (const cut of [1, 2, 3]) {
      const start = await detectMediaType(
        bytes.subarray(0, -cut),
        { declared: [], filename: 'a.csv' },
        false,
      );
      expect(start).toEqual({ mimeType: 'text/csv', text: expect.stringMatching(/^Name,Größe\n王,/) });
    }
  });

  it.each([
    'ID3 is a tag',
    'BMW',
    'OggS',
    'fLaC',
    'RIFF1234WAVEfmt ',
    '#!AMR',
    'MThd',
    'GIF89a',
    'FWS',
    '8BPS',
    'SQLite format 3',
  ])('may begin as another format does: %s', async (text) => {
    const bytes = Buffer.from(text);
    expect(await detectMediaType(bytes, { declared: [], filename: '' })).toEqual({
      mimeType: 'text/plain',
      text,
    });
    const latin = latin1(`${text} \xe9t\xe9`);
    const hints = { declared: ['text/csv'], filename: '' };
    expect(await detectMediaType(latin, hints)).toEqual({ mimeType: 'text/csv' });
  });

  it.each([latin1('\xff\xfbnom;\xe9t\xe9\n'), latin1('\xff\xf1a;b'), latin1('\xff\xe3')])(
    'in an older encoding is believed though it begins like a frame of sound (%#)',
    async (bytes) => {
      const hints = { declared: [undefined], filename: 'a.csv' };
      expect(await detectMediaType(bytes, hints)).toEqual({ mimeType: 'text/csv' });
    },
  );

  it.each([
    [PNG, 'image/png'],
    [JPEG, 'image/jpeg'],
    [GIF, 'image/gif'],
    [WEBP, 'image/webp'],
    [WAV, 'audio/wav'],
    [PDF, 'application/pdf'],
    [Buffer.concat([Buffer.from('fffb90c4', 'hex'), Buffer.alloc(413)]), 'audio/mpeg'],
    [
      Buffer.concat([latin1('ID3\x03\0\0\0\0\0\0'), Buffer.from('fffb9064', 'hex'), Buffer.alloc(90)]),
      'audio/mpeg',
    ],
  ])('is not what other bytes are, even if it is declared (%#)', async (bytes, mimeType) => {
    expect(await detectMediaType(bytes, { declared: ['text/csv'], filename: 'a.csv' })).toEqual({ mimeType });
  });

  it.each([
    Buffer.from([0xff, 0xfe]),
    Buffer.from([0, 1, 0, 2, 0, 3]),
    Buffer.from('fffe00d80041', 'hex'),
    utf32('\ufeffa', 'be').subarray(0, 7),
    Buffer.from('0000feff00110000', 'hex'),
    Buffer.from('61006200630', 'latin1').map((byte) => byte ^ 0xff),
  ])('is not recognised in bytes that are no text (%#)', async (bytes) => {
    expect((await detectMediaType(bytes, { declared: ['text/plain'], filename: '' })).text).toBeUndefined();
  });
});

describe('a declared type', () => {
  it.each([
    ['audio/mp4', isoMedia('isom'), 'audio/mp4'],
    ['audio/x-m4a', isoMedia('mp42'), 'audio/x-m4a'],
    ['video/mp4', isoMedia('M4A '), 'video/mp4'],
    ['audio/mpeg', isoMedia('isom'), 'video/mp4'],
    ['application/x-subrip', Buffer.from('1\n00:00:01 --> 00:00:02\nHi\n'), 'application/x-subrip'],
    ['audio/mpeg', Buffer.from([0, 1, 2, 3]), 'audio/mpeg'],
    ['application/vnd.ms-excel', Buffer.from('a,b'), 'text/plain'],
    ['video/mp4', Buffer.from('a,b'), 'text/plain'],
  ])('%s is believed unless the bytes contradict it (%#)', async (declared, bytes, mimeType) => {
    expect((await detectMediaType(bytes, { declared: [declared], filename: '' })).mimeType).toBe(mimeType);
  });
});
