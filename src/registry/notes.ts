import type { Registry, RegistryNote } from '../model/registry.ts';

/** A note on a setting as one line: where it stands, of which tool it is said where that is not plain, and what. */
export function settingNoteText({ setting, name, message }: Required<RegistryNote>): string {
  return setting.endsWith(`.${name}`) ? `${setting}: ${message}` : `${setting}: ${name}: ${message}`;
}

/** The notes that are no repetition of why a tool is withheld, of which the given number of lines is shown. */
export function furtherNotes(
  { notes, withheld }: Pick<Registry, 'notes' | 'withheld'>,
  shownLines = Number.POSITIVE_INFINITY,
): RegistryNote[] {
  const shown = new Set(
    withheld.flatMap(({ name, detail }) =>
      detail
        .split('\n')
        .slice(0, shownLines)
        .map((line) => `${name} ${line}`),
    ),
  );
  return notes.filter(({ name, message }) => !shown.has(`${name} ${message}`));
}
