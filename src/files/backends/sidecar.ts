import { parseJsonObject } from '../../model/exact-json.ts';
import type { JsonObject } from '../../model/json.ts';
import type { FileRecord } from '../../model/storage-backend.ts';
import { cleanFileName, plainType } from '../names.ts';

/** Raise this when the format changes. */
const VERSION = 1;
/** The last time that a Date can express. */
const MAX_TIME = 8.64e15;

/** Returns the text of the record that is stored with a file. */
export function encodeSidecar(record: FileRecord): string {
  return `${JSON.stringify({ version: VERSION, ...record })}\n`;
}

/** Returns the record in a sidecar; undefined if the text is not one. */
export function decodeSidecar(id: string, text: string): FileRecord | undefined {
  const value = parseJsonObject(text);
  return value?.['version'] === VERSION ? decodeRecord(id, value) : undefined;
}

/** Returns a record that is safe to use, because its name becomes a path. Undefined for any other value. */
export function decodeRecord(id: string, value: JsonObject | undefined): FileRecord | undefined {
  const { name, mimeType, size, createdAt, expiresAt, owner, secret } = value ?? {};
  if (typeof name !== 'string' || name !== cleanFileName(name)) return undefined;
  if (typeof mimeType !== 'string' || mimeType !== plainType(mimeType)) return undefined;
  if (typeof owner !== 'string' || typeof secret !== 'string' || secret === '') return undefined;
  if (!isCount(size) || !isTime(createdAt) || !isTime(expiresAt)) return undefined;
  return { id, name, mimeType, size, createdAt, expiresAt, owner, secret };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isTime(value: unknown): value is number {
  return isCount(value) && value <= MAX_TIME;
}
