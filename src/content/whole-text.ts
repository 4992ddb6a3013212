import type { ContentBlock } from '../model/content.ts';
import { cutText } from '../model/cut-text.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { toResourceLink } from './file-blocks.ts';
import { formatCount, howToGet } from './file-lines.ts';
import { allowsMoreKeys } from './output-schema.ts';
import type { ResultStore, StoreOutcome } from './result-store.ts';
import type { ShownText } from './structured-content.ts';
import { type BudgetedTexts, cutAtLine } from './text-budget.ts';

/** Left of the budget of structured content for the note about what was taken from it. */
const NOTE_SPACE = 1000;

/** Stores the whole text of a result as a file, once. Never rejects. */
export type StoreWhole = () => Promise<StoreOutcome>;

/** The file is JSON if the tool sent one JSON value and nothing else, otherwise its texts, each on a line. */
export function createStoreWhole(texts: readonly ShownText[], tool: string, store: ResultStore): StoreWhole {
  const isJson = texts.length === 1 && texts[0]?.whole !== undefined;
  const about = isJson
    ? { name: `${tool}-result.json`, mimeType: 'application/json' }
    : { name: `${tool}-result.txt`, mimeType: 'text/plain' };
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const [index, { text }] of texts.entries()) yield Buffer.from(index === 0 ? text : `\n${text}`);
  }
  let outcome: Promise<StoreOutcome> | undefined;
  return () => {
    // The bytes are in memory, so only the end of the call stops them.
    outcome ??= store
      .put(bytes(), about)
      .catch(() => ({ kind: 'not-stored', reason: 'The call ended before that.' }));
    return outcome;
  };
}

/** What replaces the rest of a text that was cut: a note, and the link to the whole. */
export function describeCut({ total, shown }: BudgetedTexts, outcome: StoreOutcome): ContentBlock[] {
  const cut = `The text is cut here: ${formatCount(shown)} of ${formatCount(total)} characters are shown.`;
  const text: ContentBlock = { type: 'text', text: `[${cut} ${whereWhole(outcome)}]` };
  return outcome.kind === 'stored' ? [text, toResourceLink(outcome.stored)] : [text];
}

/**
 * Structured content within the budget, and a note on what is missing in it. A tool without an output schema gets none
 * if it would be longer: its text says the same. Under an output schema it stays, shortened, since clients refuse a
 * result without it; the note is part of it if the schema allows.
 */
export async function shortenContent(
  content: JsonObject,
  outputSchema: JsonObject | undefined,
  storeWhole: StoreWhole,
  max: number,
): Promise<{ readonly content?: JsonObject; readonly note?: string }> {
  if (JSON.stringify(content).length <= max) return { content };
  if (outputSchema === undefined) return {};
  const { content: limited, cut, leftOut } = limitContent(content, Math.max(0, max - NOTE_SPACE));
  const taken = cutText([...cut.map((name) => `${name} (cut)`), ...leftOut].join(', '), NOTE_SPACE / 2);
  const note = `[The structured content is not whole: ${taken}. ${whereWhole(await storeWhole())}]`;
  const { text: said = '' } = limited;
  if (typeof said !== 'string' || !allowsMoreKeys(outputSchema)) return { content: limited, note };
  return { content: { ...limited, text: said === '' ? note : `${said}\n${note}` }, note };
}

function whereWhole(outcome: StoreOutcome): string {
  if (outcome.kind === 'stored') return `The whole ${howToGet(outcome.stored)}`;
  return outcome.kind === 'too-large'
    ? 'The whole is larger than the bridge keeps. Ask the tool for less.'
    : `The whole could not be kept. ${outcome.reason} Ask the tool for less.`;
}

/**
 * Entries of an object that take at most `max` characters as JSON, the short ones first. Of the first that does not
 * fit, the beginning stays where it is a text; the longer ones go. What stays has the type that it had, so that an
 * output schema that requires nothing still holds. Returns also the names of the texts that were cut, and of the entries
 * that were left out.
 */
export function limitContent(content: JsonObject, max: number) {
  const entries = Object.entries(content).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value, size: JSON.stringify({ [name]: value }).length }],
  );
  let space = max;
  let isFull = false;
  const limited = new Map<string, Json>();
  const cut: string[] = [];
  const leftOut: string[] = [];
  for (const { name, value, size } of entries.toSorted((a, b) => a.size - b.size)) {
    if (!isFull && size <= space) {
      limited.set(name, value);
      space -= size;
      continue;
    }
    const start = isFull || typeof value !== 'string' ? '' : startOf(value, space - name.length);
    isFull = true;
    if (start === '') leftOut.push(name);
    else {
      limited.set(name, start);
      cut.push(name);
    }
  }
  // In the order in which they came.
  const rest = entries.flatMap(({ name }): [string, Json][] => {
    const value = limited.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { content: Object.fromEntries(rest) as JsonObject, cut, leftOut };
}

/** The beginning of a text that takes about so many characters as JSON, its escapes included. */
function startOf(text: string, space: number): string {
  const escaped = JSON.stringify(text).length;
  const share = Math.floor((space * text.length) / escaped);
  return share <= 0 ? '' : cutAtLine(text, share);
}
