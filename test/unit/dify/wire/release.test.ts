import { describe, expect, it } from 'vitest';
import { isSince } from '../../../../src/dify/wire/release.ts';

describe('isSince', () => {
  it.each([
    ['1.10.0', '1.9.0', true],
    ['1.9.0', '1.9.0', true],
    ['1.9.0-rc1', '1.9.0', true],
    ['1.8.12', '1.9.0', false],
    ['0.15.3', '1.0.0', false],
    ['2.0.0', '1.17.1', true],
    ['main', '1.0.0', undefined],
    [undefined, '1.0.0', undefined],
  ])('of %s and %s is %s', (version, release, since) => {
    expect(isSince(version, release)).toBe(since);
  });
});
