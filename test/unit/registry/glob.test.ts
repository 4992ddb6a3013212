import * as fc from '../../support/fast-check.ts';
import { describe, expect, test } from 'vitest';
import { globFits, isGlob } from '../../../src/registry/glob.ts';

/** The same by way of a regular expression, which is slow on many stars. */
function byExpression(glob: string, text: string): boolean {
  const pattern = Array.from(glob, (letter) => {
    if (letter === '*') return '[^]*';
    return letter === '?' ? '[^]' : letter.replace(/[\\^$.+()[\]{}|/-]/u, '\\$&');
  });
  return new RegExp(`^${pattern.join('')}$`, 'u').test(text);
}

const letters = fc.constantFrom('a', 'b', '_', '.', '(', '\\', '界', '😀');

describe('a glob', () => {
  test.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['', '', true],
    ['', 'a', false],
    ['web_*', 'web_search', true],
    ['web_*', 'web', false],
    ['*__delete_*', 'acme__delete_all', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['?', '😀', true],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXcYb', false],
    ['[ab]', 'a', false],
    ['{a,b}', 'a', false],
    ['a.c', 'abc', false],
    ['Web', 'web', false],
  ])('%j on %j: %s', (glob, text, expected) => {
    expect(globFits(glob, text)).toBe(expected);
  });

  test('fits what its expression fits', () => {
    const glob = fc.string({ unit: fc.oneof(letters, fc.constantFrom('*', '?')), maxLength: 8 });
    const text = fc.string({ unit: letters, maxLength: 12 });
    fc.assert(
      fc.property(glob, text, (pattern, word) => {
        expect(globFits(pattern, word)).toBe(byExpression(pattern, word));
      }),
      { numRuns: fc.runs(2000) },
    );
  });

  test('of many stars does not try every way in which they may fit', () => {
    // That would take longer than any test may.
    expect(globFits(`${'a*'.repeat(60)}b`, 'a'.repeat(5000))).toBe(false);
  });

  test('is distinguished from a name', () => {
    expect([isGlob('a*'), isGlob('a?'), isGlob('a__b'), isGlob('[a]')]).toEqual([true, true, false, false]);
  });
});
