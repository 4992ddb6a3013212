import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 128 bits in base 36: short, because models copy it, and case-insensitive, as in a host name. */
const ID_LENGTH = 25;
const ID = /^[0-9a-z]{25}$/;
const URI = /^dify-file:\/\/([0-9a-z]{25})(?:[/?#]|$)/i;

export function newFileId(): string {
  return BigInt(`0x${randomBytes(16).toString('hex')}`)
    .toString(36)
    .padStart(ID_LENGTH, '0');
}

export function isFileId(text: string): boolean {
  return ID.test(text);
}

/** Returns `dify-file://<id>/<name>`. The name is for the reader; only the id identifies the file. */
export function fileUri(id: string, name: string): string {
  return `dify-file://${id}/${encodeURIComponent(name)}`;
}

/** Returns the id in a file's URI and ignores the name: models and clients encode names differently. */
export function idInUri(uri: string): string | undefined {
  return URI.exec(uri)?.[1]?.toLowerCase();
}

/** Returns the secret part of a download key, also of 128 bits. */
export function newSecret(): string {
  return randomBytes(16).toString('base64url');
}

/** Returns a download key: the id identifies the file, the secret authorises its holder to read it. */
export function downloadKey(id: string, secret: string): string {
  return `${id}${secret}`;
}

/** Returns the parts of a download key; undefined for a text that cannot be one. */
export function splitDownloadKey(key: string): { readonly id: string; readonly secret: string } | undefined {
  const id = key.slice(0, ID_LENGTH);
  return isFileId(id) && key.length > ID_LENGTH ? { id, secret: key.slice(ID_LENGTH) } : undefined;
}

/** Compares two secrets in constant time. */
export function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'));
}

/** Returns the store's identifier of a principal. That of an API key shows that it is one, since a key may end. */
export function ownerOf(principal: string): string {
  return `${principal.startsWith(KEY_OWNER) ? KEY_OWNER : ''}${hash('sha256', principal)}`;
}

/** Begins the principal of an API key, and the owner of its files. */
export const KEY_OWNER = 'key:';
