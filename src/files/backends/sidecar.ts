import { isJsonObject, type Json } from '../../model/json.ts';
import type { FileRecord } from '../../model/storage-backend.ts';

/** Raised when a sidecar of today could not be read by the code of tomorrow. */
const VERSION = 1;

/** What stands beside the bytes of a file. */
export function encodeSidecar(record: FileRecord): string {
  return `${JSON.stringify({ version: VERSION, ...record })}\n`;
}

/** The record in a sidecar; undefined where it is none of ours. */
export function decodeSidecar(id: string, text: string): FileRecord | undefined {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
  if (!isJsonObject(value) || value['version'] !== VERSION) return undefined;
  const { name, mimeType, size, createdAt, expiresAt, owner, secret } = value as Record<string, unknown>;
  if (typeof name !== 'string' || typeof mimeType !== 'string') return undefined;
  if (typeof owner !== 'string' || typeof secret !== 'string') return undefined;
  if (!isCount(size) || !isCount(createdAt) || !isCount(expiresAt)) return undefined;
  return { id, name, mimeType, size, createdAt, expiresAt, owner, secret };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
