import type { ContentBlock, ToolResult } from '../model/content.ts';
import type { BridgeError } from '../model/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { Collector, Segment } from './collector.ts';
import type { Downloads } from './downloads.ts';
import { toFileBlocks } from './file-blocks.ts';
import { canonical, entryKey, entryKeys, type FileLinks } from './json-values.ts';
import { buildStructuredContent, type ShownText } from './structured-content.ts';
import { readTextRun, type TextRun } from './text-run.ts';

/** Everything that a finished call left. */
export interface AssemblyInput {
  readonly collector: Collector;
  readonly downloads: Downloads;
  /** Why the call did not end well. */
  readonly failure: BridgeError | undefined;
  readonly outputSchema: JsonObject | undefined;
  readonly maxFileBytes: number;
}

type Part = { readonly kind: 'run'; readonly run: TextRun } | Exclude<Segment, { kind: 'text' }>;

const NO_OUTPUT = 'The tool finished without any output.';
const BEFORE_ERROR = 'Before that, the tool had sent:';

/**
 * The result of a finished call. Each JSON value stands in the text once: as the tool's own text where that is
 * the same value, otherwise written from the json message. Variables that no such text shows are appended.
 */
export async function assembleResult(input: AssemblyInput): Promise<ToolResult> {
  const { collector, downloads, failure, outputSchema, maxFileBytes } = input;
  const { links } = collector;
  const variables = collector.variables.entries();
  const values = collector.segments.filter((segment) => segment.kind === 'json').map(({ value }) => value);
  const parts = readRuns(collector.segments, values.length > 0 || variables.length > 0, links);
  await downloads.settle(links);

  const blocks: ContentBlock[] = [];
  const texts: ShownText[] = [];
  const say = (text: string, whole?: Json): void => {
    blocks.push({ type: 'text', text });
    texts.push(whole === undefined ? { text } : { text, whole });
  };

  const shown = textValues(parts);
  const shownKeys = new Set(shown.map(canonical));
  for (const part of parts) {
    if (part.kind === 'run') say(part.run.text, part.run.whole);
    else if (part.kind === 'note') say(part.text);
    else if (part.kind === 'json') {
      if (!shownKeys.has(part.key)) say(JSON.stringify(part.value), part.value);
    } else {
      for (const block of await toFileBlocks(part.slot.result(), maxFileBytes)) {
        if (block.type === 'text') say(block.text);
        else blocks.push(block);
      }
    }
  }
  const unseen = unseenVariables(variables, parts, [...shown, ...values]);
  if (unseen !== undefined) say(JSON.stringify(unseen), unseen);

  if (failure !== undefined) return failed(failure, blocks);
  const hasMedia = blocks.some((block) => block.type !== 'text');
  if (hasMedia && outputSchema === undefined) return { content: blocks };

  const { content, notes } = buildStructuredContent({ values, variables, texts, outputSchema });
  for (const text of notes) blocks.push({ type: 'text', text });
  if (blocks.length === 0) blocks.push({ type: 'text', text: NO_OUTPUT });
  return content === undefined ? { content: blocks } : { content: blocks, structuredContent: content };
}

function failed(failure: BridgeError, blocks: readonly ContentBlock[]): ToolResult {
  const content: ContentBlock[] = [{ type: 'text', text: failure.toText() }];
  if (blocks.length > 0) content.push({ type: 'text', text: BEFORE_ERROR }, ...blocks);
  return { content, isError: true };
}

function readRuns(segments: readonly Segment[], lookForJson: boolean, links: FileLinks): Part[] {
  return segments.map((segment) =>
    segment.kind === 'text' ? { kind: 'run', run: readTextRun(segment.pieces, lookForJson, links) } : segment,
  );
}

function textValues(parts: readonly Part[]): Json[] {
  return parts.flatMap((part) => (part.kind === 'run' ? part.run.values : []));
}

/** The variables whose value stands neither in a JSON object of the text nor is a text of its own. */
function unseenVariables(
  variables: readonly (readonly [string, Json])[],
  parts: readonly Part[],
  shown: readonly Json[],
): JsonObject | undefined {
  if (variables.length === 0) return undefined;
  const entries = new Set(shown.filter(isJsonObject).flatMap(entryKeys));
  const runs = new Set(parts.map((part) => (part.kind === 'run' ? part.run.text : undefined)));
  const unseen = variables.filter(
    ([name, value]) => !entries.has(entryKey(name, value)) && !(typeof value === 'string' && runs.has(value)),
  );
  return unseen.length === 0 ? undefined : Object.fromEntries(unseen);
}
