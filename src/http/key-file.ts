import { hash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { BridgeError, systemErrorCode } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';
import { KEY_PREFIX } from '../model/secrets.ts';

/** The form of the file. Raise it if older bridges would misread a new one. */
const FORM = 1;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const HASH = /^[\w-]{43}$/;

/** A key for clients over HTTP. The key itself is nowhere. */
export interface ApiKey {
  readonly name: string;
  readonly sha256: string;
  /** The views that its holder may use, the one at the default path first. Never empty. */
  readonly views: readonly string[];
  readonly created: Date;
  readonly expires?: Date | undefined;
}

/** Returns a new key: a prefix that scanners of secrets recognise, and 256 random bits. */
export function newKey(): string {
  return `${KEY_PREFIX}${randomBytes(32).toString('base64url')}`;
}

/** Returns the SHA-256 of a key or token as base64url. */
export function keyHash(key: string): string {
  return hash('sha256', key, 'base64url');
}

export function isKeyName(name: string): boolean {
  return NAME.test(name);
}

export function hasExpired({ expires }: ApiKey, now = Date.now()): boolean {
  return expires !== undefined && expires.getTime() <= now;
}

/** Returns the text of a file; undefined if it does not exist. @throws BridgeError `keys_file_invalid`. */
export function readKeyFile(path: string): string | undefined {
  try {
    const { mode } = statSync(path);
    // Who can write the file can admit anyone. Reading it is harmless. Windows has no such bits.
    if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
      const bits = (mode & 0o777).toString(8);
      throw keysFileInvalid(
        `Others can change the keys in ${path} (mode ${bits}).`,
        `Run: chmod 600 '${path}'`,
      );
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return undefined;
    const hint = 'Make the file readable for the user that the bridge runs as.';
    throw keysFileInvalid(`The keys in ${path} cannot be read (${code}).`, hint, error);
  }
}

/** Returns the keys in the text of a file. @throws BridgeError `keys_file_invalid`. */
export function parseKeys(text: string, path: string): readonly ApiKey[] {
  const hint = 'Restore the file, or delete it and create the keys again with dify-mcp-bridge keys create.';
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw keysFileInvalid(`The keys in ${path} are damaged: the file is not JSON.`, hint, error);
  }
  const { form, keys } = isJsonObject(raw) ? raw : {};
  if (typeof form === 'number' && form > FORM) {
    throw keysFileInvalid(`${path} was written by a newer version of dify-mcp-bridge.`, 'Update this one.');
  }
  if (form !== FORM || !Array.isArray(keys)) {
    throw keysFileInvalid(`The keys in ${path} are damaged: the file has no list of keys.`, hint);
  }
  const names = new Set<string>();
  return keys.map((entry, index) => {
    const key = keyFrom(entry);
    if (key === undefined)
      throw keysFileInvalid(`The keys in ${path} are damaged: key ${index + 1} is wrong.`, hint);
    if (names.has(key.name)) throw keysFileInvalid(`${path} has two keys called ${key.name}.`, hint);
    names.add(key.name);
    return key;
  });
}

/** Returns the text of a file. */
export function formatKeys(keys: readonly ApiKey[]): string {
  return `${JSON.stringify({ form: FORM, keys }, null, 2)}\n`;
}

export function keysFileInvalid(message: string, hint: string, cause?: unknown): BridgeError {
  return new BridgeError('keys_file_invalid', message, { hint, cause });
}

function keyFrom(entry: unknown): ApiKey | undefined {
  const { name, sha256, views, created, expires } = isJsonObject(entry) ? entry : {};
  if (typeof name !== 'string' || !isKeyName(name)) return undefined;
  if (typeof sha256 !== 'string' || !HASH.test(sha256)) return undefined;
  if (!Array.isArray(views) || views.length === 0) return undefined;
  if (!views.every((view) => typeof view === 'string')) return undefined;
  const [from, until] = [dateFrom(created), expires === undefined ? undefined : dateFrom(expires)];
  // A key whose end cannot be read must not be valid for ever.
  if (from === undefined || (expires !== undefined && until === undefined)) return undefined;
  return { name, sha256, views, created: from, expires: until };
}

function dateFrom(value: unknown): Date | undefined {
  const date = new Date(typeof value === 'string' ? value : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
