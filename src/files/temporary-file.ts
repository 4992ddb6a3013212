import { randomUUID } from 'node:crypto';
import { mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { handleBytes } from '../model/handle-bytes.ts';
import type { InputFile } from '../model/ports.ts';
import { fetchErrors } from './fetch-errors.ts';

export type TemporaryFile = Pick<InputFile, 'size' | 'read' | 'dispose'>;

/**
 * Writes bytes, as they arrive, to a temporary file that only its owner can read. Unlinks it immediately
 * if the system allows that, so that nothing remains even if the process dies. Rejects with the error of
 * the bytes, and with `file_refused` if the disk is full or fails; neither leaves a file behind.
 */
export async function writeTemporaryFile(
  bytes: AsyncIterable<Uint8Array>,
  folder: string,
): Promise<TemporaryFile> {
  await onDisk(mkdir(folder, { recursive: true, mode: 0o700 }));
  const path = join(folder, `dify-mcp-bridge-${randomUUID()}.part`);
  const handle = await onDisk(open(path, 'wx+', 0o600));
  let isNamed = true;
  const removeName = async (): Promise<void> => {
    if (!isNamed) return;
    // Windows does not unlink an open file.
    isNamed = await unlink(path).then(
      () => false,
      () => true,
    );
  };
  const dispose = async (): Promise<void> => {
    await handle.close().catch(() => undefined);
    await removeName();
  };
  await removeName();
  let size = 0;
  try {
    for await (const chunk of bytes) {
      await onDisk(handle.writeFile(chunk));
      size += chunk.length;
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    size,
    dispose,
    read: () => handleBytes(handle, size),
  };
}

async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw fetchErrors.cannotBeStored(cause);
  }
}
