import type { LocalizedText } from '../../model/tool.ts';

/** Keeps equal texts of one answer once: Dify fills missing translations in, and tools of one provider are alike. */
export interface SharedTexts {
  /** An equal text that was given before, or this one. */
  text(text: string): string;
  /** The same for texts by locale. */
  localized(texts: LocalizedText): LocalizedText;
}

/** Texts that begin alike are compared with so many. */
const MAX_ALIKE = 8;

/** Knows no text yet. It is let go with the answer that it was made for. */
export function createSharedTexts(): SharedTexts {
  const known = new Map<string, string>();
  /** By the text that comes first. */
  const localized = new Map<string, LocalizedText[]>();

  return {
    text(text) {
      const kept = known.get(text);
      if (kept !== undefined) return kept;
      known.set(text, text);
      return text;
    },

    localized(texts) {
      const first = Object.values(texts)[0] ?? '';
      const alike = localized.get(first);
      const kept = alike?.find((other) => areEqual(other, texts));
      if (kept !== undefined) return kept;
      if (alike === undefined) localized.set(first, [texts]);
      else if (alike.length < MAX_ALIKE) alike.push(texts);
      return texts;
    },
  };
}

function areEqual(a: LocalizedText, b: LocalizedText): boolean {
  const locales = Object.keys(a);
  const others = Object.keys(b);
  // In the same order too: where a text is in no language that was asked for, its first one is taken.
  return (
    locales.length === others.length &&
    locales.every((locale, place) => locale === others[place] && a[locale] === b[locale])
  );
}
