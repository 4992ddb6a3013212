import { expect, test } from 'vitest';
import type { RegistryNote } from '../../../src/model/registry.ts';
import { explainTool } from '../../../src/registry/explain.ts';
import { furtherNotes, settingNoteText } from '../../../src/registry/notes.ts';
import { parameter, provider, registryOf, tool } from '../../support/declarations.ts';

const NAME = 'acme_kit__work';

test('a note on a setting names the tool where the setting does not', () => {
  const note = { name: NAME, message: 'No.' };
  expect(settingNoteText({ ...note, setting: `tools.presets.${NAME}` })).toBe(`tools.presets.${NAME}: No.`);
  expect(settingNoteText({ ...note, setting: 'tools.presets.*' })).toBe(`tools.presets.*: ${NAME}: No.`);
});

test('the reason why a tool is withheld is reported once', () => {
  const parameters = ['a', 'b', 'c'].map((name) => parameter(name, { type: 'number' }));
  const registry = registryOf([provider('acme/kit/kit', [tool('work', parameters)])], {
    presets: {
      [NAME]: { parameters: { a: 'x', b: 'x', c: 'x' }, publish: ['c'] },
      acme_kit__gone: { parameters: {} },
    },
  });
  const about = (notes: readonly RegistryNote[]): string[] =>
    notes.map(({ message }) => /"([abc])"/.exec(message)?.[1] ?? 'gone');
  expect(about(registry.notes)).toEqual(['gone', 'a', 'b', 'c']);
  expect(about(furtherNotes(registry, 1))).toEqual(['gone', 'b', 'c']);
  expect(about(furtherNotes(registry))).toEqual(['gone', 'c']);
  const lines = explainTool(registry, NAME);
  for (const name of ['a', 'b', 'c']) {
    expect(lines.filter((line) => line.includes(`The preset for "${name}"`))).toHaveLength(1);
  }
});
