import type { ContentBlock } from '../model/content.ts';
import { cutText } from '../model/cut-text.ts';
import type { JsonObject } from '../model/json.ts';
import { toResourceLink } from './file-blocks.ts';
import { formatCount, keptFor } from './file-lines.ts';
import type { Keeper, Keeping } from './keeper.ts';
import { allowsMoreKeys } from './output-schema.ts';
import type { ShownText } from './structured-content.ts';
import { limitContent } from './structured-limit.ts';
import type { BudgetedTexts } from './text-budget.ts';

/** Left of the budget of structured content for the note about what was taken from it. */
const NOTE_ROOM = 1000;

/** All that a tool said, for a result that has no room for it. */
export interface WholeText {
  /** Keeps it as a file, once. Never rejects. */
  keep(): Promise<Keeping>;
}

/** The file is JSON where the tool said one JSON value and nothing else, otherwise its texts, each on a line. */
export function createWholeText(texts: readonly ShownText[], tool: string, keeper: Keeper): WholeText {
  let keeping: Promise<Keeping> | undefined;
  const isJson = texts.length === 1 && texts[0]?.whole !== undefined;
  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const [index, { text }] of texts.entries()) yield Buffer.from(index === 0 ? text : `\n${text}`);
  }
  const store = async (): Promise<Keeping> => {
    const about = isJson
      ? { name: `${tool}-result.json`, mimeType: 'application/json' }
      : { name: `${tool}-result.txt`, mimeType: 'text/plain' };
    try {
      return await keeper.keep(bytes(), about);
    } catch {
      // The bytes are here: only the end of the call stops them.
      return { kind: 'not-kept', reason: 'The call ended before that.' };
    }
  };
  return {
    keep() {
      keeping ??= store();
      return keeping;
    },
  };
}

/** What stands where the text of a result was cut: a note, and the link to the whole. */
export function describeCut({ total, shown }: BudgetedTexts, keeping: Keeping): ContentBlock[] {
  const cut = `The text is cut here: ${formatCount(shown)} of ${formatCount(total)} characters are shown.`;
  const note = `[${cut} ${whereWhole(keeping)}]`;
  const text: ContentBlock = { type: 'text', text: note };
  return keeping.kind === 'kept' ? [text, toResourceLink(keeping.kept)] : [text];
}

/** Structured content as it is sent, if at all, and a note on what is missing in it. */
export interface ShortenedContent {
  readonly content?: JsonObject;
  readonly note?: string;
}

/**
 * Structured content within the budget. A tool that promises none gets none where it would be longer: its text says
 * the same. Under an output schema it stays, shortened, since clients refuse a result without it; the note is part of
 * it where the schema allows.
 */
export async function shortenContent(
  content: JsonObject,
  outputSchema: JsonObject | undefined,
  whole: WholeText,
  max: number,
): Promise<ShortenedContent> {
  if (JSON.stringify(content).length <= max) return { content };
  if (outputSchema === undefined) return {};
  const { content: limited, cut, leftOut } = limitContent(content, Math.max(0, max - NOTE_ROOM));
  const taken = cutText([...cut.map((name) => `${name} (cut)`), ...leftOut].join(', '), NOTE_ROOM / 2);
  const note = `[The structured content is not whole: ${taken}. ${whereWhole(await whole.keep())}]`;
  const { text: said = '' } = limited;
  if (typeof said !== 'string' || !allowsMoreKeys(outputSchema)) return { content: limited, note };
  return { content: { ...limited, text: said === '' ? note : `${said}\n${note}` }, note };
}

function whereWhole(keeping: Keeping): string {
  if (keeping.kind === 'kept') return `The whole ${keptFor(keeping.kept)}`;
  return keeping.kind === 'too-large'
    ? 'The whole is larger than the bridge keeps. Ask the tool for less.'
    : `The whole could not be kept. ${keeping.reason} Ask the tool for less.`;
}
