import { tmpdir } from 'node:os';
import type { BridgeFiles } from './files.ts';
import { FileArguments } from '../calls/file-arguments.ts';
import type { Config } from '../config/schema.ts';
import type { FileUploader } from '../model/ports.ts';
import type { FileSource } from '../model/registry.ts';
import { createRemoteFiles } from '../files/fetch-url.ts';

/**
 * The ways in which callers may hand over a file, the one first that costs a model least. Files of this machine can
 * be named where the process serves the person who started it, and only from folders that the operator allows.
 */
export function fileSources({ files }: Config, servesLocalPerson: boolean): readonly FileSource[] {
  return [
    ...(files.urls === 'refuse' ? [] : (['url'] as const)),
    'resource',
    ...(servesLocalPerson && files.allowedPaths.length > 0 ? (['path'] as const) : []),
    'data',
  ];
}

/** What brings the files of arguments to Dify. */
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
    // The folder for temporary files is memory on many systems.
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
