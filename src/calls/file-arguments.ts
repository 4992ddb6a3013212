import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { typeOfName, UNKNOWN_TYPE } from '../model/media-types.ts';
import type { FileUpload, FileUploader } from '../model/ports.ts';
import type { FileArgument, PublishedTool } from '../model/registry.ts';

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
    mimeType: mime_type ?? typeOfName(filename) ?? UNKNOWN_TYPE,
    bytes: Buffer.from(data, 'base64'),
  };
}
