import { extensionOfType } from '../model/media-types.ts';
import type { FileReference } from '../model/message.ts';
import { binaryText } from './binary-text.ts';
import { mayHaveDataUrl, openDataUrl, replaceDataUrls } from './data-url.ts';
import { type Downloads, identify, type ResultFile } from './downloads.ts';
import { fileName, isNameless } from './file-name.ts';

/**
 * Finds the files that are in the outputs of a call as strings: data URLs, strings that are a signed link to a file of
 * this Dify, and the bytes of a file. Each becomes a file of the result, with a short placeholder in its place.
 */
export class EmbeddedFiles {
  /** Signed links by the IDs of files, as found in the file objects of the outputs. They are valid for 300 s. */
  readonly links = new Map<string, string>();
  readonly #downloads: Downloads;
  /** The name for files that have none. */
  readonly #stem: string;
  /** The names of such files by their IDs or addresses. */
  readonly #names = new Map<string, string>();
  /** Placeholders by data URL. */
  readonly #data = new Map<string, string>();
  readonly #linked = new Map<string, FileReference>();
  #found: ResultFile[] = [];
  /** Data URLs that were given a name. */
  #count = 0;

  constructor(downloads: Downloads, toolName: string) {
    this.#downloads = downloads;
    this.#stem = toolName.slice(toolName.lastIndexOf('__') + 1).replace(/^_/, '');
  }

  /** Returns the files that were found since the last call, to be placed in the result. */
  takeFound(): ResultFile[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  /** Whether the placeholders of links are known only now: their files have arrived. */
  get hasLinks(): boolean {
    return this.#linked.size > 0;
  }

  /** Returns a string for display. A link keeps its place until its file has arrived. */
  shown(text: string): string {
    const link = this.shownLink(text);
    if (link !== undefined) return link;
    const binary = binaryText(text);
    if (binary !== undefined)
      return 'note' in binary ? binary.note : this.#shownData(binary.url, binary.mimeType);
    return mayHaveDataUrl(text) ? replaceDataUrls(text, (url, type) => this.#shownData(url, type)) : text;
  }

  /** Returns the reference with a name if it is a data URL, or if Dify named it by a random ID. */
  named(file: FileReference): FileReference {
    if (file.filename === undefined && /^\s*data:/i.test(file.url ?? '')) {
      const type = file.mimeType ?? openDataUrl(file.url ?? '')?.mimeType ?? '';
      return { ...file, filename: this.#nextName(type) };
    }
    if (!isNameless(file)) return file;
    const { key = '' } = identify(file);
    const number = this.#names.size + 1;
    const filename = this.#names.get(key) ?? (number === 1 ? this.#stem : `${this.#stem}-${number}`);
    this.#names.set(key, filename);
    return { ...file, filename, lacksExtension: true };
  }

  /** Whether a file has a place in the result: a link that leads to none of this Dify's files stays a text. */
  isPlaced({ file, delivery }: ResultFile): boolean {
    if (file.isLink !== true) return true;
    return (
      delivery.kind !== 'unavailable' &&
      delivery.kind !== 'external' &&
      this.#downloads.find(file)?.file === file
    );
  }

  /** Like `shown`; undefined for a string that is not a signed link as a whole. */
  shownLink(text: string): string | undefined {
    if (!this.#downloads.isSignedLink(text)) return undefined;
    const known = this.#linked.get(text);
    if (known === undefined) {
      const file = this.named({ url: text.trim(), isLink: true });
      this.#linked.set(text, file);
      this.#add(file);
      return text;
    }
    const result = this.#downloads.find(known);
    const hasArrived = result !== undefined && (result.file.isLink !== true || this.isPlaced(result));
    return hasArrived ? placeholder(fileName(result.file, result.delivery)) : text;
  }

  #shownData(url: string, mimeType: string): string {
    const known = this.#data.get(url);
    if (known !== undefined) return known;
    const filename = this.#nextName(mimeType);
    const shown = placeholder(filename);
    this.#data.set(url, shown);
    this.#add({ url, filename, mimeType });
    return shown;
  }

  #nextName(mimeType: string): string {
    this.#count += 1;
    return `inline-${this.#count}${extensionOfType(mimeType) ?? ''}`;
  }

  #add(file: FileReference): void {
    const result = this.#downloads.add(file);
    if (result !== undefined) this.#found.push(result);
  }
}

function placeholder(name: string): string {
  return `[file ${name}]`;
}
