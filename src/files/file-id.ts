import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 128 bits in base 36: short, since models copy it, and the same in capitals and small letters, as in a host name. */
const ID_LENGTH = 25;
const ID = /^[0-9a-z]{25}$/;
const URI = /^dify-file:\/\/([0-9a-z]{25})(?:[/?#]|$)/i;

/** An id that cannot be guessed. */
export function newFileId(): string {
  return BigInt(`0x${randomBytes(16).toString('hex')}`)
    .toString(36)
    .padStart(ID_LENGTH, '0');
}

/** Whether a text has the form of an id. */
export function isFileId(text: string): boolean {
  return ID.test(text);
}

/** `dify-file://<id>/<name>`. The name is for the reader; the id alone identifies the file. */
export function fileUri(id: string, name: string): string {
  return `dify-file://${id}/${encodeURIComponent(name)}`;
}

/** The id in the URI of a file, whatever name follows it: models and clients encode names in several ways. */
export function idInUri(uri: string): string | undefined {
  return URI.exec(uri)?.[1]?.toLowerCase();
}

/** The secret part of a download key, also of 128 bits. */
export function newSecret(): string {
  return randomBytes(16).toString('base64url');
}

/** A download key: the id says which file, the secret that whoever has it may read the file. */
export function downloadKey(id: string, secret: string): string {
  return `${id}${secret}`;
}

/** The parts of a download key; undefined for a text that cannot be one. */
export function splitDownloadKey(key: string): { readonly id: string; readonly secret: string } | undefined {
  const id = key.slice(0, ID_LENGTH);
  return isFileId(id) && key.length > ID_LENGTH ? { id, secret: key.slice(ID_LENGTH) } : undefined;
}

/** Compares two secrets in a time that does not depend on what they have in common. */
export function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(sha256(given), sha256(expected));
}

/** A principal as the store knows it. */
export function ownerOf(principal: string): string {
  return sha256(principal).toString('hex');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
