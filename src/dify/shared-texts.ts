import type { LocalizedText } from '../model/tool.ts';

/** Keeps equal texts of one answer once: Dify fills missing translations in, and tools of one provider are alike. */
export interface SharedTexts {
  /** An equal text that was given before, or this one. */
  text(text: string): string;
  /** The same for texts by locale. */
  localized(texts: LocalizedText): LocalizedText;
}

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
      else alike.push(texts);
      return texts;
    },
  };
}

function areEqual(a: LocalizedText, b: LocalizedText): boolean {
  const locales = Object.keys(a);
  return locales.length === Object.keys(b).length && locales.every((locale) => a[locale] === b[locale]);
}
