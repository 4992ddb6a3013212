import type { CallRecord } from '../model/call-record.ts';
import { type ContentBlock, errorResult, type ResultLimits, type ToolResult } from '../model/content.ts';
import type { BridgeError } from '../model/errors.ts';
import type { MemoryLease } from '../model/memory-budget.ts';
import { withoutSteering } from '../model/invisible-characters.ts';
import type { PublishedTool } from '../model/registry.ts';
import { hasBigint } from '../model/exact-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import type { Collector, Segment } from './collector.ts';
import type { Delivery } from './delivery.ts';
import { type Downloads, MAX_FILES } from './downloads.ts';
import type { EmbeddedFiles } from './embedded-files.ts';
import { toFileBlocks } from './file-blocks.ts';
import { describeFile, describePassedOver } from './file-lines.ts';
import { fileName } from './file-name.ts';
import { bigintsAsText, canonical, entryKey, entryKeys, toShownValue } from './json-values.ts';
import type { ResultStore } from './result-store.ts';
import { buildStructuredContent, type ShownText } from './structured-content.ts';
import { type BudgetedTexts, budgetTexts } from './text-budget.ts';
import { readTextRun, type TextRun } from './text-run.ts';
import { createStoreWhole, describeCut, shortenContent, type StoreWhole } from './whole-text.ts';

export interface AssemblyInput {
  readonly tool: PublishedTool;
  readonly collector: Collector;
  readonly downloads: Downloads;
  readonly store: ResultStore;
  readonly limits: ResultLimits;
  /** Why the call failed. */
  readonly failure: BridgeError | undefined;
  readonly record?: Pick<CallRecord, 'truncated'> | undefined;
  readonly memory: MemoryLease;
}

type Part =
  | { readonly kind: 'run'; readonly run: TextRun; readonly pieces: readonly string[] }
  | Exclude<Segment, { kind: 'text' }>;

/** A part of the result in its final form. */
type Item =
  /** The tool's text, or a note by the bridge. */
  | { readonly kind: 'text'; readonly text: string; readonly whole?: Json }
  | { readonly kind: 'file'; readonly line: string; readonly blocks: readonly ContentBlock[] };

/** Texts after this number of blocks share one, because a tool may send many small messages. */
const MAX_BLOCKS = 100;
const NO_OUTPUT = 'The tool finished without output.';
const BEFORE_ERROR = 'Output before the error:';

/**
 * Returns the result of a finished call. The text contains each JSON value once: as the tool's own text if that is the
 * same value, otherwise written from the json message. Variables that no text shows are appended. Text beyond the
 * budget is cut, and the full text is stored as a file.
 */
export async function assembleResult(input: AssemblyInput): Promise<ToolResult> {
  const { tool, collector, downloads, store, limits, failure, record } = input;
  const { outputSchema } = tool;
  const { files } = collector;
  let outputs = readOutputs(input);
  await downloads.settle(files.links);
  // Now it is known which links lead to files.
  if (files.hasLinks) outputs = readOutputs(input, outputs);
  const { parts, variables } = outputs;
  const values = parts.flatMap((part) => (part.kind === 'json' ? [part.value] : []));

  const own = ownTexts(parts, values, variables);
  const budgeted = budgetTexts(
    own.list.map(({ text }) => text),
    limits.maxTextChars,
  );
  if (budgeted.cutAt !== undefined) record?.truncated?.('text');
  const items = withFiles(parts, own, budgeted.left, { limits, maxBytes: store.maxBytes, files });
  const { passedOver } = downloads;
  if (passedOver.length > 0) {
    items.push({ kind: 'file', line: describePassedOver(passedOver, MAX_FILES), blocks: [] });
  }
  const storeWhole = createStoreWhole(own.list, tool.name, store);
  const blocks = await toBlocks(items, budgeted, storeWhole);
  if (failure !== undefined) return failed(failure, blocks);

  const hasMedia = blocks.some((block) => block.type !== 'text');
  if (hasMedia && outputSchema === undefined) return { content: blocks };
  const texts = items.map((item): ShownText => (item.kind === 'text' ? item : { text: item.line }));
  const { content, notes } = buildStructuredContent({ values, variables, texts, outputSchema });
  for (const text of notes) blocks.push({ type: 'text', text });
  if (content === undefined) return { content: orNoOutput(blocks) };
  const exact = hasBigint(content) ? bigintsAsText(content) : content;
  const short = await shortenContent(exact, outputSchema, storeWhole, limits.maxTextChars);
  if (short.note !== undefined) {
    record?.truncated?.('structured_content');
    blocks.push({ type: 'text', text: short.note });
  }
  return { content: orNoOutput(blocks), structuredContent: short.content };
}

/** The outputs of a call in the form in which the result shows them. */
interface Outputs {
  readonly parts: readonly Part[];
  readonly variables: readonly (readonly [string, Json])[];
}

/** Reads texts, and places the files that they contain. With `before`, replaces the links whose files have arrived. */
function readOutputs({ collector, memory }: AssemblyInput, before?: Outputs): Outputs {
  const { segments, files } = collector;
  const lookForJson = collector.hasValues;
  const context = { lookForJson, files, memory };
  const placed = (): Part[] => files.takeFound().map((result) => ({ kind: 'file', result }));
  const seen = new Set<string>();
  const read = (part: Part | Segment): Part[] => {
    if (part.kind === 'text' || part.kind === 'run') {
      const { pieces } = part;
      return [{ kind: 'run', run: readTextRun(pieces, context), pieces }];
    }
    if (before === undefined || part.kind === 'file') return [part];
    if (part.kind === 'note') return [{ kind: 'note', text: files.shown(part.text) }];
    const value = toShownValue(part.value, files);
    const key = value === part.value ? part.key : canonical(value);
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ kind: 'json', value, key }];
  };
  const parts = (before?.parts ?? segments).flatMap((part) => [...read(part), ...placed()]);
  const variables = (before?.variables ?? collector.variables()).map(
    ([name, value]) => [name, toShownValue(value, files)] as const,
  );
  return { parts: [...parts, ...placed()], variables };
}

function orNoOutput(blocks: ContentBlock[]): ContentBlock[] {
  return blocks.length === 0 ? [{ type: 'text', text: NO_OUTPUT }] : blocks;
}

/** The texts of the result by the part to which they belong, and those at its end. */
interface OwnTexts {
  readonly byPart: ReadonlyMap<Part, ShownText>;
  readonly last: readonly ShownText[];
  readonly list: readonly ShownText[];
}

function ownTexts(
  parts: readonly Part[],
  values: readonly Json[],
  variables: readonly (readonly [string, Json])[],
): OwnTexts {
  const byPart = new Map<Part, ShownText>();
  const shown = parts.flatMap((part) => (part.kind === 'run' ? part.run.values : []));
  const shownKeys = new Set(shown.map(canonical));
  for (const part of parts) {
    if (part.kind === 'run' && part.run.text !== '') byPart.set(part, part.run);
    else if (part.kind === 'note') byPart.set(part, { text: part.text });
    else if (part.kind === 'json' && !shownKeys.has(part.key)) {
      byPart.set(part, { text: wellFormedJson(part.value), whole: part.value });
    }
  }
  const unseen = unseenVariables(variables, parts, [...shown, ...values]);
  const last = unseen === undefined ? [] : [{ text: wellFormedJson(unseen), whole: unseen }];
  return { byPart, last, list: [...byPart.values(), ...last] };
}

/** Returns the parts in order. Text files get the characters that the tool's own text leaves of the budget: `left`. */
function withFiles(
  parts: readonly Part[],
  { byPart, last }: OwnTexts,
  left: number,
  context: Parameters<typeof describeFile>[2] & { readonly files: EmbeddedFiles },
): Item[] {
  let space = left;
  const fitting = (delivery: Delivery): Delivery => {
    if (delivery.kind !== 'text') return delivery;
    if (delivery.text.length <= space) {
      space -= delivery.text.length;
      return delivery;
    }
    const { stored, mimeType, size } = delivery;
    return stored === undefined
      ? { kind: 'not-stored', mimeType, size, reason: 'The result has reached its limit for text.' }
      : { kind: 'stored', mimeType, stored, left: { form: 'text', because: 'together' } };
  };
  const items = parts.flatMap((part): Item[] => {
    if (part.kind !== 'file') {
      const text = byPart.get(part);
      return text === undefined ? [] : [{ kind: 'text', ...text }];
    }
    if (!context.files.isPlaced(part.result)) return [];
    const { file } = part.result;
    const delivery = fitting(part.result.delivery);
    const line = withoutSteering(describeFile(file, delivery, context));
    return [{ kind: 'file', line, blocks: toFileBlocks(delivery, fileName(file, delivery)) }];
  });
  return [...items, ...last.map((text): Item => ({ kind: 'text', ...text }))];
}

async function toBlocks(
  items: readonly Item[],
  budgeted: BudgetedTexts,
  storeWhole: StoreWhole,
): Promise<ContentBlock[]> {
  const blocks: ContentBlock[] = [];
  let index = 0;
  for (const item of items) {
    if (item.kind === 'file') {
      blocks.push({ type: 'text', text: item.line }, ...item.blocks);
      continue;
    }
    const shown = budgeted.texts[index];
    const last = blocks.at(-1);
    if (shown !== undefined && blocks.length >= MAX_BLOCKS && last?.type === 'text') {
      blocks[blocks.length - 1] = { type: 'text', text: `${last.text}\n${shown}` };
    } else if (shown !== undefined) blocks.push({ type: 'text', text: shown });
    if (index === budgeted.cutAt) blocks.push(...describeCut(budgeted, await storeWhole()));
    index += 1;
  }
  return blocks;
}

function failed(failure: BridgeError, blocks: readonly ContentBlock[]): ToolResult {
  return errorResult(failure, blocks.length === 0 ? [] : [{ type: 'text', text: BEFORE_ERROR }, ...blocks]);
}

/** Returns the variables whose value is neither in a JSON object of the text nor a text of its own. */
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
