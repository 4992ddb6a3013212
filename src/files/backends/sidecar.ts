import { parseJsonObject } from '../../model/exact-json.ts';
import type { FileRecord } from '../../model/storage-backend.ts';

/** Raise this when the format changes. */
const VERSION = 1;

/** Returns the text of the record that is stored with a file. */
export function encodeSidecar(record: FileRecord): string {
  return `${JSON.stringify({ version: VERSION, ...record })}\n`;
}

/** Returns the record in a sidecar; undefined if the text is not one. */
export function decodeSidecar(id: string, text: string): FileRecord | undefined {
  const value = parseJsonObject(text);
  if (value?.['version'] !== VERSION) return undefined;
  const { name, mimeType, size, createdAt, expiresAt, owner, secret } = value;
  if (typeof name !== 'string' || typeof mimeType !== 'string') return undefined;
  if (typeof owner !== 'string' || typeof secret !== 'string') return undefined;
  if (!isCount(size) || !isCount(createdAt) || !isCount(expiresAt)) return undefined;
  return { id, name, mimeType, size, createdAt, expiresAt, owner, secret };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
