import { decodeBase64 } from '../content/data-url.ts';
import { LOCAL_PRINCIPAL } from '../model/call.ts';
import type { InputFile, RemoteFiles } from '../model/ports.ts';
import type { FileArgument } from '../model/registry.ts';
import type { FileStore } from '../model/stored-file.ts';
import { noSuchResource, sourceNotOffered } from './file-errors.ts';
import { openLocalFile } from './local-file.ts';

export interface FileSources {
  readonly store: FileStore;
  readonly remote: RemoteFiles;
  /** Whether the bridge fetches web addresses, passes them to Dify unchanged, or refuses them. */
  readonly urls: 'fetch' | 'pass' | 'refuse';
  /** The folders whose files the local user may name. If empty, files of this machine are refused. */
  readonly folders: readonly string[];
  readonly maxBytes: number;
}

/** The owner of the call, and the signal that ends it. */
export interface FileCall {
  readonly signal: AbortSignal;
  readonly principal?: string | undefined;
  /** The end user of Dify that owns the file there. */
  readonly userId?: string | undefined;
}

/** Opens the file of an argument. Rejects with `file_refused` or `file_too_large`. */
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

/** Returns a file from plain Base64. Decodes it while it is read, so that the decoded file is never whole in memory. */
function inlineFile(data: string): InputFile {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  return {
    filename: '',
    size: (data.length / 4) * 3 - padding,
    read: () => decodeBase64(data),
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
