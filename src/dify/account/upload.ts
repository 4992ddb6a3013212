import { extname } from 'node:path';
import { BridgeError } from '../../model/errors.ts';
import { type JsonObject, textOf } from '../../model/json.ts';
import type { FileUpload, FileUploader } from '../../model/ports.ts';
import type { ConsoleSession } from '../console/session.ts';
import { encodeForm } from '../files/form.ts';
import { detectFileKind } from '../files/kind.ts';
import { nameForDify, uploadTimeout } from '../files/upload.ts';
import { expectStatus } from './account-errors.ts';

const PATH = '/console/api/files/upload';
const MIB = 1024 ** 2;
/** The field of Dify's limits for each kind of file. */
const LIMITS: Readonly<Record<string, string>> = {
  image: 'image_file_size_limit',
  video: 'video_file_size_limit',
  audio: 'audio_file_size_limit',
};

/** Returns an uploader that stores files as an account's browser does. Dify limits their size by kind. */
export function createAccountUploader(session: ConsoleSession): FileUploader {
  let limits: Promise<JsonObject> | undefined;

  async function readLimits(): Promise<JsonObject> {
    const answer = await session.send({ method: 'GET', path: PATH, signal: AbortSignal.any([]) });
    return expectStatus(session, answer, 200);
  }

  /** Returns the largest size of a file in MiB; undefined if Dify reports none. */
  async function limitOf(kind: string): Promise<number | undefined> {
    limits ??= readLimits().catch((error: unknown) => {
      limits = undefined;
      throw error;
    });
    const limit = Number((await limits)[LIMITS[kind] ?? 'file_size_limit']);
    return Number.isFinite(limit) ? limit : undefined;
  }

  return {
    async upload(given, signal) {
      const file: FileUpload = { ...given, ...nameForDify(given) };
      const kind = detectFileKind(extname(file.filename), file.mimeType);
      const limit = await limitOf(kind);
      signal.throwIfAborted();
      if (limit !== undefined && file.size > limit * MIB) throw tooLarge(file.size, kind, limit);
      const content = () => encodeForm(file);
      const timeoutMs = uploadTimeout(file.size);
      const answer = await session.send({ method: 'POST', path: PATH, content, signal, timeoutMs });
      if (answer.status === 413) {
        await answer.discard();
        limits = undefined;
        throw tooLarge(file.size, kind, undefined);
      }
      const id = textOf((await expectStatus(session, answer, 201))['id']);
      if (id === undefined) {
        const upstream = { status: answer.status, path: answer.path };
        throw new BridgeError('upstream_error', 'Dify stored the file but returned no id.', { upstream });
      }
      return { type: kind, transfer_method: 'local_file', upload_file_id: id };
    },

    refer: ({ url, filename, mimeType }) => ({
      type: detectFileKind(extname(filename), mimeType),
      transfer_method: 'remote_url',
      url,
      remote_url: url,
    }),
  };
}

function tooLarge(size: number, kind: string, limit: number | undefined): BridgeError {
  const most = limit === undefined ? 'refuses it' : `accepts at most ${limit} MiB of the kind "${kind}"`;
  return new BridgeError('file_too_large', `The file has ${size} bytes; Dify ${most}.`, {
    hint: 'Give a smaller file. Dify sets the limit in its environment (UPLOAD_FILE_SIZE_LIMIT and UPLOAD_IMAGE_, _VIDEO_ and _AUDIO_FILE_SIZE_LIMIT).',
  });
}
