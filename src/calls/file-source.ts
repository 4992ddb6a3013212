import { LOCAL_PRINCIPAL } from '../model/call.ts';
import type { InputFile, RemoteFiles } from '../model/ports.ts';
import type { FileArgument } from '../model/registry.ts';
import type { FileStore } from '../model/stored-file.ts';
import { noSuchResource, sourceNotOffered } from './file-errors.ts';
import { openLocalFile } from './local-file.ts';

/** Characters that are decoded at once; a multiple of 4. */
const CHUNK = 64 * 1024;

export interface FileSources {
  readonly store: FileStore;
  readonly remote: RemoteFiles;
  /** Whether the bridge fetches web addresses, hands them to Dify as they are, or refuses them. */
  readonly urls: 'fetch' | 'pass' | 'refuse';
  /** Folders from which the local person may name files; none: no files of this machine are accepted. */
  readonly folders: readonly string[];
  readonly maxBytes: number;
}

/** Whose call it is, and what ends it. */
export interface FileCall {
  readonly signal: AbortSignal;
  readonly principal?: string | undefined;
}

/** Opens the file that an argument names. Rejects with `file_refused` or `file_too_large`. */
export async function openFile(file: FileArgument, call: FileCall, sources: FileSources): Promise<InputFile> {
  const { signal, principal = LOCAL_PRINCIPAL } = call;
  const { store, remote, urls, folders, maxBytes } = sources;
  if (file.data !== undefined) return inlineFile(file.data);
  if (file.resource !== undefined) return storedFile(file.resource, principal, store);
  if (file.url !== undefined) {
    if (urls === 'refuse') throw sourceNotOffered('url');
    return remote.fetch(file.url, { maxBytes, signal });
  }
  if (folders.length === 0 || principal !== LOCAL_PRINCIPAL) throw sourceNotOffered('path');
  return openLocalFile(file.path ?? '', folders, maxBytes);
}

/** The file that the arguments contain as plain Base64. It is decoded while it is read, and never whole in memory. */
function inlineFile(data: string): InputFile {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  return {
    filename: '',
    size: (data.length / 4) * 3 - padding,
    async *read() {
      for (let at = 0; at < data.length; at += CHUNK) yield Buffer.from(data.slice(at, at + CHUNK), 'base64');
    },
    dispose: () => Promise.resolve(),
  };
}

async function storedFile(uri: string, principal: string, store: FileStore): Promise<InputFile> {
  const found = await store.find(uri, principal);
  if (found === undefined) throw noSuchResource(uri);
  const { name: filename, mimeType, size } = found;
  const read = (): AsyncIterable<Uint8Array> => store.read(uri, principal);
  return { filename, mimeType, size, read, dispose: () => Promise.resolve() };
}
