import { cutText } from '../model/cut-text.ts';
import { withoutSteering } from '../model/invisible-characters.ts';
import type { Json } from '../model/json.ts';
import type { RetrieverResource, ToolInvokeMessage } from '../model/message.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import type { Downloads, ResultFile } from './downloads.ts';
import { EmbeddedFiles } from './embedded-files.ts';
import { canonical, toShownValue } from './json-values.ts';

/** The most characters shown of a message of unknown type. */
const MAX_UNKNOWN_LENGTH = 2000;
const MAX_TYPE_LENGTH = 100;

/** A part of the result. Parts are in the order of the messages. */
export type Segment =
  /** Consecutive text messages. Messages without content of their own (log, variable) do not separate them. */
  | { readonly kind: 'text'; readonly pieces: string[] }
  /** A json message whose value no earlier json message had. */
  | { readonly kind: 'json'; readonly value: Json; readonly key: string }
  /** A text by the bridge about a message. */
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'file'; readonly result: ResultFile };

/** Collects the messages of one call as they arrive. Each takes constant time; files go to `downloads` at once. */
export class Collector {
  readonly segments: Segment[] = [];
  /** The files that outputs contain as strings. */
  readonly files: EmbeddedFiles;
  /** The number of messages of each unknown type. */
  readonly unknownTypes = new Map<string, number>();
  readonly #downloads: Downloads;
  readonly #jsonKeys = new Set<string>();
  // A streamed variable is stored as an array of pieces, because joining at each piece would take quadratic time.
  readonly #variables = new Map<string, { readonly pieces: string[] } | { readonly value: Json }>();

  constructor(downloads: Downloads, toolName: string) {
    this.#downloads = downloads;
    this.files = new EmbeddedFiles(downloads, toolName);
  }

  add(message: ToolInvokeMessage): void {
    this.#addSegment(message);
    for (const result of this.files.takeFound()) this.segments.push({ kind: 'file', result });
  }

  #addSegment(message: ToolInvokeMessage): void {
    switch (message.type) {
      case 'text':
        return this.#addText(message.text);
      case 'json':
        return this.#addJson(message.value);
      case 'variable':
        return this.#addVariable(message.name, message.value, message.stream);
      case 'link':
        return this.#addNote(message.url);
      case 'file': {
        const result = this.#downloads.add(this.files.named(message.file));
        if (result !== undefined) this.segments.push({ kind: 'file', result });
        return undefined;
      }
      case 'retriever_resources':
        return this.#addNote(describeRetrieval(message.context, message.resources));
      case 'unknown':
        return this.#addUnknown(message.wireType, message.raw);
      case 'log':
      case 'progress':
        return undefined;
    }
  }

  /** Whether there are values that a text may repeat as JSON. */
  get hasValues(): boolean {
    return this.#jsonKeys.size > 0 || this.#variables.size > 0;
  }

  /** Returns the names and values of the variables, in the order in which the names first appeared. */
  variables(): [string, Json][] {
    return Array.from(this.#variables, ([name, variable]) => [
      name,
      'pieces' in variable ? variable.pieces.join('') : variable.value,
    ]);
  }

  #addText(text: string): void {
    if (text === '') return;
    // Its link expires, so the file cannot wait for the end of the text.
    this.files.shownLink(text);
    const last = this.segments.at(-1);
    if (last?.kind === 'text') last.pieces.push(text);
    else this.segments.push({ kind: 'text', pieces: [text] });
  }

  #addJson(sent: Json): void {
    const value = toShownValue(sent, this.files);
    const key = canonical(value);
    if (this.#jsonKeys.has(key)) return;
    this.#jsonKeys.add(key);
    this.segments.push({ kind: 'json', value, key });
  }

  /** Sets a variable, or with `stream` appends a piece to its string. */
  #addVariable(name: string, value: Json, stream: boolean): void {
    const known = this.#variables.get(name);
    if (!stream || typeof value !== 'string') {
      this.#variables.set(name, { value: toShownValue(value, this.files) });
    } else if (known !== undefined && 'pieces' in known) {
      known.pieces.push(value);
    } else {
      const pieces = typeof known?.value === 'string' ? [known.value, value] : [value];
      this.#variables.set(name, { pieces });
    }
  }

  #addNote(text: string): void {
    if (text !== '') this.segments.push({ kind: 'note', text: withoutSteering(this.files.shown(text)) });
  }

  #addUnknown(wireType: string, raw: Json): void {
    const type = cutText(wireType, MAX_TYPE_LENGTH);
    this.unknownTypes.set(type, (this.unknownTypes.get(type) ?? 0) + 1);
    const json = wellFormedJson(toShownValue(raw, this.files));
    const length = json.length > MAX_UNKNOWN_LENGTH ? ` (${json.length} characters)` : '';
    const shown = `${cutText(json, MAX_UNKNOWN_LENGTH)}${length}`;
    this.#addNote(`[message of unknown type ${JSON.stringify(type)}] ${shown}`);
  }
}

/** Returns the outcome of a retrieval as one text: its context, then a line for each source. */
function describeRetrieval(context: string, resources: readonly RetrieverResource[]): string {
  const isInContext = searcher(context);
  const lines = resources.map((resource, index) => `- ${describeSource(resource, index, isInContext)}`);
  const sources = lines.length === 0 ? '' : ['Sources:', ...lines].join('\n');
  return [context, sources].filter((part) => part !== '').join('\n\n');
}

/** The most contents that are searched for in vain, each through the whole context. */
const MAX_MISSES = 100;

/** Returns whether a text contains each of others. Fast for parts in their order, as Dify joins them. */
function searcher(text: string): (part: string) => boolean {
  let from = 0;
  let misses = 0;
  return (part) => {
    if (misses === MAX_MISSES) return false;
    const at = text.indexOf(part, from);
    if (at !== -1) from = at + part.length;
    else misses += 1;
    return at !== -1 || text.includes(part);
  };
}

function describeSource(
  resource: RetrieverResource,
  index: number,
  isInContext: (content: string) => boolean,
): string {
  const { title, documentName, datasetName, content } = resource;
  const names = [...new Set([title, documentName, datasetName])].filter(
    (name) => name !== undefined && name !== '',
  );
  const line = names.length > 0 ? names.join(', ') : `source ${index + 1}`;
  // Dify builds the context from the contents. A content that it omitted would otherwise be lost.
  return content === '' || isInContext(content) ? line : `${line}: ${content}`;
}
