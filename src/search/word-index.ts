import MiniSearch from 'minisearch';
import type { PublishedTool } from '../model/registry.ts';
import { conceptsOf } from './synonyms.ts';
import { indexTerms, isStopWord } from './terms.ts';
import { type TextOfTool, toolText } from './tool-texts.ts';

export const WEIGHTS: Readonly<Record<TextOfTool, number>> = {
  name: 4,
  title: 4,
  provider: 1,
  description: 1.5,
  parameters: 0.5,
};

const FIELDS = Object.keys(WEIGHTS) as TextOfTool[];

/** The entry of the words in the prose of every tool. No tool can have this name. */
export const EVERY_TOOL = '';

/** The entries of the index: tools, and the words that all of them have. */
type Entry = PublishedTool | { readonly words: string };

/** Returns an index whose first entry has the words `common` to all other entries, which do not contain them again. */
export function createWordIndex(common: ReadonlySet<string>): MiniSearch<Entry> {
  let indexed: ReadonlySet<string> = new Set();
  const index = new MiniSearch<Entry>({
    fields: FIELDS,
    // Creates texts one by one: objects created for thousands of tools at once may outlive their use in memory.
    extractField: (entry, field) => {
      if ('words' in entry) return field === 'id' ? EVERY_TOOL : field === 'description' ? entry.words : '';
      return field === 'id' ? entry.name : toolText(entry, field as TextOfTool);
    },
    tokenize: (text, field) => fieldTerms(text, field as TextOfTool),
    // Stop words in prose would take a third of the memory. In a name they can matter.
    processTerm: (term, field) => (isProse(field) && (isStopWord(term) || indexed.has(term)) ? null : term),
  });
  if (common.size > 0) index.add({ words: [...common].join(' ') });
  indexed = new Set([...common, ...[...common].flatMap(conceptsOf)]);
  return index;
}

/** Returns the terms of a text of a tool, with the concepts of its words. Parameters tell too little for concepts. */
export function fieldTerms(text: string, field: TextOfTool): string[] {
  const terms = indexTerms(text);
  return field === 'provider' || field === 'parameters'
    ? terms
    : terms.concat(Array.from(new Set(terms.flatMap(conceptsOf))));
}

function isProse(field: string | undefined): boolean {
  return field === 'description' || field === 'parameters';
}

/** Returns whether two tools are found by different texts. */
export function differ(a: PublishedTool, b: PublishedTool): boolean {
  return FIELDS.some((field) => toolText(a, field) !== toolText(b, field));
}
