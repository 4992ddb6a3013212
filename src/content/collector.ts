import { cutText } from '../model/cut-text.ts';
import type { Json } from '../model/json.ts';
import type { FileReference, ToolInvokeMessage } from '../model/message.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import type { Downloads, FileSlot } from './downloads.ts';
import { canonical, type FileLinks, toShownValue } from './json-values.ts';
import { describeRetrieval } from './sources.ts';
import { createVariables, type Variables } from './variables.ts';

/** Of a message that the bridge does not know, at most so many characters are shown. */
const MAX_UNKNOWN_LENGTH = 2000;
const MAX_TYPE_LENGTH = 100;

/** A part of the result, in the order of the messages. */
export type Segment =
  /** Neighbouring text messages; messages without content of their own (log, variable) do not part them. */
  | { readonly kind: 'text'; readonly pieces: string[] }
  /** A json message with a value that no json message before it had. */
  | { readonly kind: 'json'; readonly value: Json; readonly key: string }
  /** Text that the bridge wrote about a message. */
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'file'; readonly slot: FileSlot };

/** The messages of one call, sorted. */
export interface Collector {
  add(message: ToolInvokeMessage): void;
  readonly segments: readonly Segment[];
  readonly variables: Variables;
  /** Signed links found in the outputs. */
  readonly links: FileLinks;
  /** How many messages of each unknown type came. */
  readonly unknownTypes: ReadonlyMap<string, number>;
}

/** Sorts messages as they come: constant work for each, files are handed to `downloads` at once. */
export function createCollector(downloads: Downloads): Collector {
  const segments: Segment[] = [];
  const links: FileLinks = new Map();
  const variables = createVariables(links);
  const unknownTypes = new Map<string, number>();
  const jsonKeys = new Set<string>();

  function addText(text: string): void {
    if (text === '') return;
    const last = segments.at(-1);
    if (last?.kind === 'text') last.pieces.push(text);
    else segments.push({ kind: 'text', pieces: [text] });
  }

  function addJson(sent: Json): void {
    const value = toShownValue(sent, links);
    const key = canonical(value);
    if (jsonKeys.has(key)) return;
    jsonKeys.add(key);
    segments.push({ kind: 'json', value, key });
  }

  function addNote(text: string): void {
    if (text !== '') segments.push({ kind: 'note', text });
  }

  function addFile(file: FileReference): void {
    const slot = downloads.add(file);
    if (slot !== undefined) segments.push({ kind: 'file', slot });
  }

  function addUnknown(wireType: string, raw: Json): void {
    const type = cutText(wireType, MAX_TYPE_LENGTH);
    unknownTypes.set(type, (unknownTypes.get(type) ?? 0) + 1);
    const json = wellFormedJson(toShownValue(raw, links));
    const length = json.length > MAX_UNKNOWN_LENGTH ? ` (${json.length} characters)` : '';
    const shown = `${cutText(json, MAX_UNKNOWN_LENGTH)}${length}`;
    addNote(`[message of type ${JSON.stringify(type)}, which the bridge does not know] ${shown}`);
  }

  return {
    segments,
    variables,
    links,
    unknownTypes,
    add(message) {
      switch (message.type) {
        case 'text':
          return addText(message.text);
        case 'json':
          return addJson(message.value);
        case 'variable':
          return variables.add(message.name, message.value, message.stream);
        case 'link':
          return addNote(message.url);
        case 'file':
          return addFile(message.file);
        case 'retriever_resources':
          return addNote(describeRetrieval(message.context, message.resources));
        case 'unknown':
          return addUnknown(message.wireType, message.raw);
        case 'log':
          return undefined;
      }
    },
  };
}
