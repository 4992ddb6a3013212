import { describe, expect, it } from 'vitest';
import { extensionOfType, typeOfName } from '../../../src/model/media-types.ts';

describe('media types', () => {
  it.each([
    ['report.PDF', 'application/pdf'],
    ['a.b.jpeg', 'image/jpeg'],
    ['clip.mov', 'video/quicktime'],
    ['pdf', undefined],
    ['a.constructor', undefined],
    ['a.', undefined],
  ])('%s is %s', (name, type) => {
    expect(typeOfName(name)).toBe(type);
  });

  it.each([
    ['image/jpeg', '.jpg'],
    ['text/plain', '.txt'],
    ['audio/mp4', '.m4a'],
    ['audio/x-wav', '.wav'],
    ['text/x-python', '.py'],
    ['application/octet-stream', undefined],
  ])('a file of %s is called %s', (type, extension) => {
    expect(extensionOfType(type)).toBe(extension);
  });
});
