import { hash } from 'node:crypto';
import type { ProviderType } from '../model/tool.ts';

/** Ids that are safe in a file name on every system once slashes are replaced by dots. */
const PLAIN = /^[a-z0-9_-]+(?:\/[a-z0-9_-]+)*$/;
const MAX_PLAIN = 100;
const MAX_SLUG = 60;
const HASH_DIGITS = 24;

export const FILE_ENDING = '.yaml';

/**
 * Returns the file of a provider: `builtin.acme.weather.weather.yaml`. An id with characters other than
 * lower-case letters, digits, `_`, `-` and slashes gets a hash after two dots. So no two providers share
 * a file, even on a case-insensitive file system.
 */
export function fileNameOf(type: ProviderType, id: string): string {
  return `${type}.${PLAIN.test(id) && id.length <= MAX_PLAIN ? id.replaceAll('/', '.') : hashed(type, id)}${FILE_ENDING}`;
}

function hashed(type: ProviderType, id: string): string {
  const slug = id
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .slice(0, MAX_SLUG);
  return `${slug}..${hash('sha256', JSON.stringify([type, id])).slice(0, HASH_DIGITS)}`;
}
