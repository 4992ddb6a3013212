import type { Registry, RegistryNote } from '../model/registry.ts';

/** Formats a note as `setting: [tool:] message`; the tool is omitted when the setting path already names it. */
export function settingNoteText({ setting, name, message }: Required<RegistryNote>): string {
  return setting.endsWith(`.${name}`) ? `${setting}: ${message}` : `${setting}: ${name}: ${message}`;
}

/** Returns the notes that do not repeat a line already shown as the reason of a withheld tool. */
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
