import MiniSearch from 'minisearch';
import type { PublishedTool } from '../model/registry.ts';
import { indexTerms, tellsNothing } from './terms.ts';
import { type TextOfTool, toolText } from './tool-texts.ts';

/** What a hit in each text of a tool weighs. */
export const WEIGHTS: Readonly<Record<TextOfTool, number>> = {
  name: 4,
  title: 4,
  provider: 2,
  description: 1.5,
  parameters: 0.5,
};

const FIELDS = Object.keys(WEIGHTS) as TextOfTool[];

/** Nothing can be published under it: the entry of the words in the prose of every tool. */
export const EVERY_TOOL = '';

/** What is in the index: tools, and the words that all of them have. */
type Entry = PublishedTool | { readonly words: string };

/** An index whose first entry are the words `common` to all entries after it, which do not index them again. */
export function createWordIndex(common: ReadonlySet<string>): MiniSearch<Entry> {
  let indexed: ReadonlySet<string> = new Set();
  const index = new MiniSearch<Entry>({
    fields: FIELDS,
    // Texts are made one by one: what is made for thousands of tools, and holds on to more, may outlive its use.
    extractField: (entry, field) => {
      if ('words' in entry) return field === 'id' ? EVERY_TOOL : field === 'description' ? entry.words : '';
      return field === 'id' ? entry.name : toolText(entry, field as TextOfTool);
    },
    tokenize: indexTerms,
    // What tells nothing is in nearly every sentence and would take a third of the memory; in a name it may tell.
    processTerm: (term, field) => (isProse(field) && (tellsNothing(term) || indexed.has(term)) ? null : term),
  });
  if (common.size > 0) index.add({ words: [...common].join(' ') });
  indexed = common;
  return index;
}

function isProse(field: string | undefined): boolean {
  return field === 'description' || field === 'parameters';
}

/** True when one of the two is found by what the other is not. */
export function differ(a: PublishedTool, b: PublishedTool): boolean {
  return FIELDS.some((field) => toolText(a, field) !== toolText(b, field));
}
