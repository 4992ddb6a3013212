import { describe, expect, it } from 'vitest';
import { noSuchResource } from '../../../src/calls/file-errors.ts';
import { unknownCall } from '../../../src/tasks/call-answers.ts';
import { logSentence } from '../../../src/mcp/log-message.ts';
import { cutText } from '../../../src/model/cut-text.ts';
import { mendJson, wellFormedBytes, wellFormedJson } from '../../../src/model/well-formed.ts';
import * as fc from '../../support/fast-check.ts';

const toWellFormed = (text: string): string => text.replaceAll(/\p{Surrogate}/gu, '\ufffd');

/** What every string of a value is once it is well-formed; of keys that become the same, the last one counts. */
function repaired(value: unknown): unknown {
  if (typeof value === 'string') return toWellFormed(value);
  if (Array.isArray(value)) return value.map(repaired);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [toWellFormed(key), repaired(item)]));
}

/** Strings of what makes escapes, and of what they are made of. */
const text = fc
  .array(
    fc.constantFrom('\ud83d', '\ude00', '\\', 'u', 'd', '8', 'ud83d', '\\ud83d', '"', '\n', 'é', '語', '😀'),
  )
  .map((parts) => parts.join(''));
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.integer(),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(text, tie('any'), { maxKeys: 4 }),
  ),
})).any;

describe('half characters', () => {
  it('are U+FFFD in any JSON that is written, and nothing else changes', () => {
    fc.assert(
      fc.property(value, (any) => {
        const expected = JSON.stringify(repaired(any));
        expect(JSON.stringify(JSON.parse(wellFormedJson(any)))).toBe(expected);
        expect(JSON.stringify(JSON.parse(wellFormedJson(any, 2)))).toBe(expected);
        const bytes = wellFormedBytes(new TextEncoder().encode(JSON.stringify(any)));
        expect(Buffer.from(bytes).toString()).toBe(wellFormedJson(any));
        expect(wellFormedJson(any)).not.toMatch(/(?<!\\)(?:\\\\)*\\ud[89a-f]/);
      }),
    );
  });

  it('are U+FFFD in JSON of others, where pairs may be escaped and digits be large', () => {
    const halves = String.raw`["\ud83d\ude00", "\uD83D\uDE00\uD83D", "\uDE00\ud83d", "\\ud83d", "\\\uDE00", {"\uD83d": 1}]`;
    expect(JSON.parse(mendJson(halves))).toEqual(['😀', '😀�', '��', '\\ud83d', '\\�', { '�': 1 }]);
  });

  it('cost no copy where there are none', () => {
    const bytes = Buffer.from(JSON.stringify({ text: 'é 😀 \\ u \n'.repeat(10) }));
    expect(wellFormedBytes(bytes)).toBe(bytes);
  });
});

/** Texts of a foreigner that the bridge shortens. */
const CUTTERS: Readonly<Record<string, (text: string) => string>> = {
  cutText: (text) => cutText(text, 20),
  logSentence: (label) => logSentence({ label, status: 'start', metadata: {} }),
  noSuchResource: (uri) => noSuchResource(uri).message,
  unknownCall: (id) => unknownCall(id, 1000).message,
};

it.each(Object.entries(CUTTERS))('%s cuts no character in two', (_name, cut) => {
  for (const start of ['', 'x']) {
    const shown = cut(start + '😀'.repeat(500));
    expect(shown.length).toBeLessThan(400);
    expect(shown).toContain('…');
    expect(shown).toBe(toWellFormed(shown));
    // JSON.stringify within a sentence turns half a character into the six characters of its escape.
    expect(shown).not.toContain(String.raw`\ud`);
  }
});
