import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { FileUpload, FileUploader } from '../model/ports.ts';
import type { FileArgument, PublishedTool } from '../model/registry.ts';

/** Types of the extensions that Dify itself tells apart; a caller's `mime_type` goes before them. */
const BY_EXTENSION: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  wav: 'audio/wav',
  amr: 'audio/amr',
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  mpeg: 'video/mpeg',
  webm: 'video/webm',
  txt: 'text/plain',
  md: 'text/markdown',
  html: 'text/html',
  htm: 'text/html',
  csv: 'text/csv',
  json: 'application/json',
  pdf: 'application/pdf',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};

/**
 * The parameters with each file argument stored in Dify and replaced by the object that names it there. One
 * file after the other; values that are no file arguments, such as an operator's preset, stay as they are.
 */
export async function uploadFileArguments(
  tool: PublishedTool,
  parameters: JsonObject,
  uploader: FileUploader,
  signal: AbortSignal,
): Promise<JsonObject> {
  const store = async (value: Json): Promise<Json> =>
    isFileArgument(value) ? uploader.upload(toUpload(value), signal) : value;

  const uploaded: Record<string, Json> = {};
  for (const { name } of tool.fileParameters) {
    const value = parameters[name];
    if (value === undefined) continue;
    if (!Array.isArray(value)) {
      uploaded[name] = await store(value);
      continue;
    }
    const files: Json[] = [];
    for (const file of value as readonly Json[]) files.push(await store(file));
    uploaded[name] = files;
  }
  return { ...parameters, ...uploaded };
}

function isFileArgument(value: Json | undefined): value is FileArgument & JsonObject {
  return isJsonObject(value) && typeof value['data'] === 'string' && typeof value['filename'] === 'string';
}

function toUpload({ data, filename, mime_type }: FileArgument): FileUpload {
  return {
    filename,
    mimeType: mime_type ?? typeOf(filename),
    bytes: Buffer.from(data, 'base64'),
  };
}

function typeOf(filename: string): string {
  const extension = filename.slice(filename.lastIndexOf('.') + 1).toLowerCase();
  const known = Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined;
  return known ?? 'application/octet-stream';
}
