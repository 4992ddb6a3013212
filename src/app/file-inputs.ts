import { tmpdir } from 'node:os';
import type { BridgeFiles } from './files.ts';
import { FileArguments } from '../calls/file-arguments.ts';
import type { Config } from '../config/schema.ts';
import type { FileUploader } from '../model/ports.ts';
import type { FileSource } from '../model/registry.ts';
import { createRemoteFiles } from '../files/fetch-url.ts';

/**
 * Returns the ways in which callers may pass a file, the cheapest for a model first. `path` is included only if the
 * process serves the person who started it and the operator allows folders.
 */
export function fileSources({ files }: Config, servesLocalPerson: boolean): readonly FileSource[] {
  return [
    ...(files.urls === 'refuse' ? [] : (['url'] as const)),
    'resource',
    ...(servesLocalPerson && files.allowedPaths.length > 0 ? (['path'] as const) : []),
    'data',
  ];
}

export function createInputs(
  { files }: Config,
  parts: {
    readonly uploader: FileUploader;
    readonly kept: BridgeFiles;
    readonly sources: readonly FileSource[];
  },
): FileArguments {
  const { uploader, kept, sources } = parts;
  const { store, place } = kept;
  const remote = createRemoteFiles({
    allowHttp: files.allowHttp,
    allowedNetworks: files.allowedNetworks,
    timeoutMs: files.fetchTimeout,
    // Prefers the store's folder, because on many systems the folder for temporary files is in memory.
    temporaryFolder: place.kind === 'directory' ? place.dir : tmpdir(),
  });
  return new FileArguments({
    uploader,
    store,
    remote,
    urls: files.urls,
    folders: sources.includes('path') ? files.allowedPaths : [],
    maxBytes: files.maxInputBytes,
  });
}
