import { statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { asBridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { type ApiKey, hasExpired, keysFileInvalid, parseKeys, readKeyFile } from './key-file.ts';

/** How often open streams are compared with the file, in milliseconds. Each request looks at it as well. */
const CHECK_MS = 1000;

/** The keys that any replica revoked, by hash: see `RedisRevocations`. */
export interface Revocations {
  has(sha256: string): boolean;
  add(hashes: readonly string[]): void;
  withdraw(hashes: readonly string[]): void;
  onAdd(listener: (sha256: string) => void): void;
}

export interface KeysOptions {
  /** Whether the file must exist. */
  readonly required: boolean;
  /** Without it, this replica is the only one. */
  readonly revocations?: Revocations | undefined;
  readonly logger: Logger;
}

/** Called with the key that is no longer valid; with undefined when requests without a key are no longer admitted. */
export type EndListener = (key: ApiKey | undefined) => void;

/**
 * The keys of a file, which is read again when it changes. A file that breaks or disappears leaves the keys as they
 * were, because nothing else tells a mistake from the wish to open the bridge to everyone.
 */
export class Keys {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #listeners: EndListener[] = [];
  /** By hash; undefined until the file exists. */
  #keys: ReadonlyMap<string, ApiKey> | undefined;
  /** Identifies the version of the file that was read last. */
  #version: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The names of expired keys whose end has been handled, and those of them that a request has used since. */
  readonly #expired = new Set<string>();
  readonly #refused = new Set<string>();

  readonly #revocations: Revocations | undefined;

  /** Reads the file. @throws BridgeError `keys_file_invalid`, also if a `required` file does not exist. */
  constructor(path: string, { required, revocations, logger }: KeysOptions) {
    this.#path = path;
    this.#revocations = revocations;
    revocations?.onAdd((sha256) => {
      const key = this.#keys?.get(sha256);
      if (key !== undefined) this.#end(key);
    });
    this.#logger = logger;
    this.#version = versionOf(path);
    const text = readKeyFile(path);
    if (text !== undefined) this.#keys = byHash(parseKeys(text, path));
    else if (required) {
      const hint = 'Create a key with dify-mcp-bridge keys create, or remove the setting http.keysFile.';
      throw keysFileInvalid(`The file of keys ${path} does not exist.`, hint);
    }
  }

  /** Whether there is a file, so that requests need a key or the token. */
  get required(): boolean {
    return this.#keys !== undefined;
  }

  /** Returns the valid key with this hash. The log names an expired one at its first use. */
  find(sha256: string): ApiKey | undefined {
    // A client does not know the hashes of the keys, so the time of the look-up reveals nothing about them.
    const key = this.#keys?.get(sha256);
    if (this.#revocations?.has(sha256) === true) return undefined;
    if (key === undefined || !hasExpired(key)) return key;
    if (!this.#refused.has(key.name)) {
      this.#refused.add(key.name);
      this.#logger.warn('A key was refused because it has expired', { key: key.name });
    }
    return undefined;
  }

  /** Returns the keys that are valid now. */
  valid(): readonly ApiKey[] {
    this.refresh();
    const keys = [...(this.#keys?.values() ?? [])];
    return keys.filter((key) => !hasExpired(key) && this.#revocations?.has(key.sha256) !== true);
  }

  onEnd(listener: EndListener): void {
    this.#listeners.push(listener);
  }

  /** Looks at the file from now on, so that open streams of a key end with it, until `close`. */
  watch(): void {
    this.#timer ??= setInterval(() => {
      this.refresh();
      for (const key of this.#keys?.values() ?? []) {
        if (!hasExpired(key) || this.#expired.has(key.name)) continue;
        this.#expired.add(key.name);
        this.#end(key);
      }
    }, CHECK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Reads the file again if it has changed. */
  refresh(): void {
    const version = versionOf(this.#path);
    if (version === this.#version) return;
    this.#version = version;
    try {
      const text = readKeyFile(this.#path);
      if (text === undefined) throw keysFileInvalid(`The file of keys ${this.#path} is gone.`, 'Restore it.');
      this.#replace(byHash(parseKeys(text, this.#path)));
    } catch (thrown) {
      const { message: reason, hint } = asBridgeError(thrown);
      this.#logger.error('The file of keys is wrong; the previous keys stay valid', { reason, hint });
    }
  }

  #replace(next: ReadonlyMap<string, ApiKey>): void {
    const before = this.#keys;
    this.#keys = next;
    this.#expired.clear();
    this.#refused.clear();
    this.#logger.info('The keys were read again', { keys: next.size });
    this.#revocations?.add([...(before?.keys() ?? [])].filter((sha256) => !next.has(sha256)));
    this.#revocations?.withdraw([...next.keys()]);
    if (before === undefined) this.#end(undefined);
    for (const [sha256, key] of before ?? []) {
      if (!isDeepStrictEqual(next.get(sha256)?.views, key.views)) this.#end(key);
    }
  }

  #end(key: ApiKey | undefined): void {
    for (const listener of this.#listeners) listener(key);
  }
}

function byHash(keys: readonly ApiKey[]): ReadonlyMap<string, ApiKey> {
  return new Map(keys.map((key) => [key.sha256, key]));
}

/** Returns what changes with a file: an editor keeps its inode, a replacement may keep its size. */
function versionOf(path: string): string | undefined {
  try {
    // Each request asks, mostly for a file that does not exist: an exception would take longer than the call.
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats && `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.mode}`;
  } catch {
    return undefined;
  }
}
