import type { ContentBlock } from '../model/content.ts';
import { cutText } from '../model/cut-text.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { toResourceLink } from './file-blocks.ts';
import { formatCount, whereStored } from './file-lines.ts';
import { allowsMoreKeys } from './output-schema.ts';
import type { ResultStore, StoreOutcome } from './result-store.ts';
import type { ShownText } from './structured-content.ts';
import { type BudgetedTexts, cutAtLine } from './text-budget.ts';

/** The part of the budget of structured content that is reserved for the note about missing parts. */
const NOTE_SPACE = 1000;
/** The least number of characters to store at once, except at the end. */
const CHUNK_LENGTH = 64 * 1024;

/** Stores the full text of a result as a file, once. Never rejects. */
export type StoreWhole = () => Promise<StoreOutcome>;

/** Returns the function that stores the text. The file is JSON if the tool sent a single JSON value and nothing else. */
export function createStoreWhole(texts: readonly ShownText[], tool: string, store: ResultStore): StoreWhole {
  const isJson = texts.length === 1 && texts[0]?.whole !== undefined;
  const about = isJson
    ? { name: `${tool}-result.json`, mimeType: 'application/json' }
    : { name: `${tool}-result.txt`, mimeType: 'text/plain' };
  // A call may have hundreds of thousands of texts, and a store writes each chunk by itself.
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    let waiting: string[] = [];
    let length = 0;
    for (const [index, { text }] of texts.entries()) {
      waiting.push(index === 0 ? text : `\n${text}`);
      length += text.length;
      if (length < CHUNK_LENGTH) continue;
      yield Buffer.from(waiting.join(''));
      waiting = [];
      length = 0;
    }
    yield Buffer.from(waiting.join(''));
  }
  let outcome: Promise<StoreOutcome> | undefined;
  return () => {
    // The bytes are in memory, so only the end of the call or its time limit stops them.
    outcome ??= store
      .put(bytes(), about)
      .catch(() => ({ kind: 'not-stored', reason: 'The call ended first.' }));
    return outcome;
  };
}

/** Returns the blocks that replace the end of a truncated text: a note, and the link to the full text. */
export function describeCut({ total, shown }: BudgetedTexts, outcome: StoreOutcome): ContentBlock[] {
  const cut = `Text truncated: ${formatCount(shown)} of ${formatCount(total)} characters shown.`;
  const text: ContentBlock = { type: 'text', text: `[${cut} ${whereWhole(outcome)}]` };
  return outcome.kind === 'stored' ? [text, toResourceLink(outcome.stored)] : [text];
}

/**
 * Returns structured content within the budget, and a note on what is missing in it. If it exceeds the budget and the
 * tool has no output schema, it is omitted, because the text says the same. With an output schema it is shortened,
 * because clients refuse a result without it; it then contains the note if the schema allows that.
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
  const missing = [...cut.map((name) => `${name} (cut)`), ...leftOut.map((name) => `${name} (omitted)`)];
  const taken = cutText(missing.join(', '), NOTE_SPACE / 2);
  const note = `[Structured content truncated: ${taken}. ${whereWhole(await storeWhole())}]`;
  const { text: said = '' } = limited;
  if (typeof said !== 'string' || !allowsMoreKeys(outputSchema)) return { content: limited, note };
  return { content: { ...limited, text: said === '' ? note : `${said}\n${note}` }, note };
}

function whereWhole(outcome: StoreOutcome): string {
  if (outcome.kind === 'stored') return `The full result is ${whereStored(outcome.stored)}`;
  return outcome.kind === 'too-large'
    ? 'The full result is too large to store. Ask the tool for less.'
    : `The full result could not be stored. ${outcome.reason} Ask the tool for less.`;
}

/**
 * Returns the entries of an object that take at most `max` characters as JSON, the shortest first, with the beginning of
 * the first text that does not fit. Each has the type that it had, so that an output schema that requires nothing still
 * holds. Also returns the names of the texts that were cut, and of the entries that were omitted.
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

/** Returns the beginning of a text that takes about `space` characters as JSON, including escapes. */
function startOf(text: string, space: number): string {
  const escaped = JSON.stringify(text).length;
  const share = Math.floor((space * text.length) / escaped);
  return share <= 0 ? '' : cutAtLine(text, share);
}
