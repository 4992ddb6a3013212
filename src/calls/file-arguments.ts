import { forEachBounded } from '../model/async.ts';
import { LOCAL_PRINCIPAL } from '../model/call.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { typeOfName, UNKNOWN_TYPE } from '../model/media-types.ts';
import type { FileUploader, InputFile, RemoteFiles } from '../model/ports.ts';
import type { FileArgument, PublishedTool } from '../model/registry.ts';
import type { FileStore } from '../model/stored-file.ts';
import { inlineFile } from './inline-file.ts';
import { noSuchResource, ofArgument, sourceNotOffered, takesNoFile, tooLarge } from './file-errors.ts';
import { type DetectType, nameAndType } from './input-type.ts';
import { openLocalFile } from './local-file.ts';

/** Files of one call that are on their way at once. */
const MAX_AT_ONCE = 3;

/** Where files of arguments come from and go to. */
export interface FileArgumentsOptions {
  readonly uploader: FileUploader;
  readonly store: FileStore;
  readonly remote: RemoteFiles;
  /** What becomes of web addresses: the bridge fetches them, hands them to Dify as they are, or takes none. */
  readonly urls: 'fetch' | 'pass' | 'refuse';
  /** Folders from which the local person may name files; none: no files of this machine are taken. */
  readonly folders: readonly string[];
  /** Bytes of one file at most. */
  readonly maxBytes: number;
  readonly detectType: DetectType;
}

/** Whose call it is, and what ends it. */
export interface FileCall {
  readonly signal: AbortSignal;
  readonly principal?: string | undefined;
}

/** Brings the files of a call to Dify. */
export interface FileArguments {
  /**
   * The parameters with each file argument stored in Dify and replaced by the object that names it there. Values
   * that are no file arguments, such as an operator's preset, stay as they are. Rejects with `file_refused`,
   * `file_too_large` and what the uploader throws; nothing of the files is left here then, nor otherwise.
   */
  store(tool: PublishedTool, parameters: JsonObject, call: FileCall): Promise<JsonObject>;
}

/** One file of a call, and what becomes of the object that Dify knows it by. */
interface GivenFile {
  readonly parameter: string;
  readonly file: FileArgument;
  readonly place: (stored: JsonObject) => void;
}

export function createFileArguments(options: FileArgumentsOptions): FileArguments {
  const { uploader, urls, maxBytes, detectType } = options;

  async function store({ file }: GivenFile, call: FileCall): Promise<JsonObject> {
    if (file.url !== undefined && urls === 'pass') return uploader.refer(addressOf(file, file.url));
    const held = await open(file, call, options);
    try {
      if (held.size > maxBytes) throw tooLarge(held.size, maxBytes);
      const { size } = held;
      const hints = { filename: file.filename ?? held.filename, declared: [file.mime_type, held.mimeType] };
      const named = await nameAndType(held, hints, detectType);
      call.signal.throwIfAborted();
      return await uploader.upload({ ...named, size, read: () => held.read() }, call.signal);
    } finally {
      await held.dispose();
    }
  }

  return {
    async store(tool, parameters, call) {
      const { stored, given } = plan(tool, parameters);
      const bring = async (file: GivenFile, signal: AbortSignal): Promise<void> => {
        try {
          file.place(await store(file, { ...call, signal }));
        } catch (error) {
          throw ofArgument(file.parameter, error);
        }
      };
      await forEachBounded(given, MAX_AT_ONCE, bring, call.signal);
      return { ...parameters, ...stored };
    },
  };
}

/** The files of a call, and the values in which their objects will stand. Throws where the tool takes no files. */
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

async function open(file: FileArgument, call: FileCall, options: FileArgumentsOptions): Promise<InputFile> {
  const { signal, principal = LOCAL_PRINCIPAL } = call;
  const { store, remote, urls, folders, maxBytes } = options;
  if (file.data !== undefined) return inlineFile(file.data);
  if (file.resource !== undefined) return keptFile(file.resource, principal, store);
  if (file.url !== undefined) {
    if (urls === 'refuse') throw sourceNotOffered('url');
    return remote.fetch(file.url, { maxBytes, signal });
  }
  if (folders.length === 0 || principal !== LOCAL_PRINCIPAL) throw sourceNotOffered('path');
  return openLocalFile(file.path ?? '', folders, maxBytes);
}

async function keptFile(uri: string, principal: string, store: FileStore): Promise<InputFile> {
  const found = await store.find(uri, principal);
  if (found === undefined) throw noSuchResource(uri);
  return {
    filename: found.name,
    mimeType: found.mimeType,
    size: found.size,
    read: () => store.read(uri, principal),
    dispose: () => Promise.resolve(),
  };
}

/** What an address says of a file that nobody here looks at. */
function addressOf({ filename, mime_type }: FileArgument, url: string) {
  const name = filename ?? lastPart(url);
  return { url, filename: name, mimeType: mime_type ?? typeOfName(name) ?? UNKNOWN_TYPE };
}

function lastPart(url: string): string {
  const part = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(part) || 'file';
  } catch {
    return part;
  }
}

function isFileArgument(value: Json | undefined): value is FileArgument & JsonObject {
  // What names a file in Dify has a transfer method, also where it has an address.
  if (!isJsonObject(value) || value['transfer_method'] !== undefined) return false;
  return SOURCES.some((source) => typeof value[source] === 'string');
}

const SOURCES = ['url', 'data', 'resource', 'path'];
