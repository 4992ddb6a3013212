import { describe, expect, it } from 'vitest';
import { hasInvisible, withoutInvisible, withoutSteering } from '../../../src/model/invisible-characters.ts';

const HIDDEN = '\u{e0041}\u{e0042}';
const FAMILY = '👩🏽‍💻 👨‍👩‍👧 🏳️‍🌈 ❤️';

describe('a published text', () => {
  it.each([
    ['tag characters', `a${HIDDEN}b`, 'ab'],
    ['tags that spell a flag', '🏴\u{e0067}\u{e0062}\u{e007f}', '🏴'],
    ['overrides and isolates', '\u202eab\u202c\u2066c\u2069\u200e', 'abc'],
    ['zero-width characters', 'a\u200bb\u200cc\u200dd\u2060e\ufeff', 'abcde'],
    ['variation selectors that carry data', 'a\ufe00\u{e0100}\u{e01ef}b', 'ab'],
    ['fillers', 'a\u3164\u115f\u2800b', 'ab'],
    ['control characters', 'a\u0000b\u0007c\u0085d\rе', 'abcdе'],
    ['terminal commands', '\u001b[31mred\u001b[0m \u001b]0;title\u0007x\u009b2Jy', 'red xy'],
    ['a terminal command that does not end', '\u001b]0;title', '0;title'],
    ['line separators', 'a\u2028b', 'a\nb'],
    [
      'nothing',
      `Grüße, 天气　预报\tmañana\n${FAMILY} a\u00a0b`,
      `Grüße, 天气　预报\tmañana\n${FAMILY} a\u00a0b`,
    ],
  ])('loses %s', (_what, given, expected) => {
    expect(withoutInvisible(given)).toBe(expected);
    expect(hasInvisible({ a: [{ [given]: 1 }] })).toBe(given !== expected);
    expect(hasInvisible(['x', { a: given }])).toBe(given !== expected);
  });
});

describe('a text of a result', () => {
  it.each([
    ['NUL and other controls', 'a\u0000b\u0008c\u009dd', 'abcd'],
    [
      'terminal commands',
      '\u001b[1;31mred\u001b[0m\u001b]8;;https://a.test\u001b\\link\u001b]8;;\u001b\\',
      'redlink',
    ],
    ['overrides and isolates', 'exe\u202egpj.doc \u2066a\u2069', 'exegpj.doc a'],
    [
      'nothing of a language or an emoji',
      `می\u200cخواهم क्\u200dष ${FAMILY}\r\n\t\f`,
      `می\u200cخواهم क्\u200dष ${FAMILY}\r\n\t\f`,
    ],
  ])('loses %s', (_what, given, expected) => {
    expect(withoutSteering(given)).toBe(expected);
  });

  it.each(['\u001b]', '\u009d', '\u001b[', '\u001b]\u009d', '\u001b[0;'])(
    'is read once, whatever commands it begins: %j',
    (opening) => {
      // Searching for the end of each command up to the end of the text would not end.
      const text = opening.repeat(500_000);
      expect(withoutSteering(text).includes('\u001b')).toBe(false);
      expect(withoutInvisible(`${text}é`).endsWith('é')).toBe(true);
    },
  );
});
