import { forEachBounded } from '../model/async.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { typeOfName, UNKNOWN_TYPE } from '../model/media-types.ts';
import { nameInAddress } from '../model/name-in-address.ts';
import type { FileUploader } from '../model/ports.ts';
import type { FileArgument, PublishedTool } from '../model/registry.ts';
import { ofArgument, takesNoFile, tooLarge } from './file-errors.ts';
import { type FileCall, type FileSources, openFile } from './file-source.ts';
import { nameAndType } from './input-type.ts';

const MAX_AT_ONCE = 3;
const SOURCES = ['url', 'data', 'resource', 'path'];

export interface FileArgumentsOptions extends FileSources {
  readonly uploader: FileUploader;
}

/** One file of a call, and where to put the object that identifies it in Dify. */
interface GivenFile {
  readonly parameter: string;
  readonly file: FileArgument;
  readonly place: (stored: JsonObject) => void;
}

export class FileArguments {
  readonly #options: FileArgumentsOptions;

  constructor(options: FileArgumentsOptions) {
    this.#options = options;
  }

  /**
   * Resolves with the parameters, in which each file argument is stored in Dify and replaced by the object that
   * identifies it there. Other values, such as an operator's preset, stay as they are. Rejects with `file_refused`,
   * `file_too_large` and the errors of the uploader. Leaves no file on this machine.
   */
  async store(tool: PublishedTool, parameters: JsonObject, call: FileCall): Promise<JsonObject> {
    const { stored, given } = plan(tool, parameters);
    const bring = async ({ parameter, file, place }: GivenFile, signal: AbortSignal): Promise<void> => {
      try {
        place(await this.#upload(file, { ...call, signal }));
      } catch (error) {
        throw ofArgument(parameter, error);
      }
    };
    await forEachBounded(given, MAX_AT_ONCE, bring, call.signal);
    return { ...parameters, ...stored };
  }

  async #upload(file: FileArgument, call: FileCall): Promise<JsonObject> {
    const { uploader, urls, maxBytes } = this.#options;
    if (file.url !== undefined && urls === 'pass') return uploader.refer(addressOf(file, file.url));
    const opened = await openFile(file, call, this.#options);
    try {
      const { size } = opened;
      if (size > maxBytes) throw tooLarge(size, maxBytes);
      const filename = file.filename ?? opened.filename;
      const named = await nameAndType(opened, { filename, declared: [file.mime_type, opened.mimeType] });
      call.signal.throwIfAborted();
      return await uploader.upload({ ...named, size, read: () => opened.read() }, call.signal, call.userId);
    } finally {
      await opened.dispose();
    }
  }
}

/** Returns the files of a call, and the values that will contain their objects. Throws if the tool takes no files. */
function plan(
  tool: PublishedTool,
  parameters: JsonObject,
): { stored: Record<string, Json>; given: GivenFile[] } {
  const stored: Record<string, Json> = {};
  const given: GivenFile[] = [];
  for (const { name, refused } of tool.fileParameters) {
    const value = parameters[name];
    if (value === undefined) continue;
    if (refused !== undefined) throw takesNoFile(name, refused);
    if (isFileArgument(value)) {
      given.push({ parameter: name, file: value, place: (object) => (stored[name] = object) });
      continue;
    }
    if (!Array.isArray(value)) continue;
    const list = [...(value as readonly Json[])];
    stored[name] = list;
    for (const [index, file] of list.entries()) {
      if (isFileArgument(file))
        given.push({ parameter: name, file, place: (object) => (list[index] = object) });
    }
  }
  return { stored, given };
}

/** Returns the facts that an address shows about a file that the bridge does not fetch. */
function addressOf({ filename, mime_type }: FileArgument, url: string) {
  const name = filename ?? (nameInAddress(new URL(url).href) || 'file');
  return { url, filename: name, mimeType: mime_type ?? typeOfName(name) ?? UNKNOWN_TYPE };
}

function isFileArgument(value: Json | undefined): value is FileArgument & JsonObject {
  // An object that identifies a file in Dify has a transfer method, even if it has an address.
  if (!isJsonObject(value) || value['transfer_method'] !== undefined) return false;
  return SOURCES.some((source) => typeof value[source] === 'string');
}
