import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { SessionRecords } from '../model/session-records.ts';

/** The most ended sessions that are remembered. The ones that ended first are forgotten first. */
const MAX_ENDED = 100_000;

/**
 * The records of a single bridge, in two files of a folder: `key` and `ended`. They are read and made
 * when the first client opens a session. If the folder cannot be written, the records last as long as the process.
 */
export class LocalSessions implements SessionRecords {
  readonly #folder: string;
  readonly #endedFile: string;
  readonly #logger: Logger;
  #key: Uint8Array | undefined;
  #ended: Map<string, number> | undefined;

  /** `key`: the one of the configuration. */
  constructor(folder: string, key: Uint8Array | undefined, logger: Logger) {
    this.#folder = folder;
    this.#endedFile = join(folder, 'ended');
    this.#key = key;
    this.#logger = logger;
  }

  async key(): Promise<Uint8Array> {
    this.#key ??= this.#storedKey();
    return this.#key;
  }

  async end(nonce: string, expiresAt: number): Promise<void> {
    const ended = (this.#ended ??= this.#readEnded());
    ended.set(nonce, expiresAt);
    const [oldest] = ended.keys();
    if (ended.size > MAX_ENDED && oldest !== undefined) ended.delete(oldest);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      await appendFile(this.#endedFile, lineOf(nonce, expiresAt), { mode: 0o600 });
    } catch (error) {
      this.#logger.debug('An ended session could not be written to a file', { error });
    }
  }

  async hasEnded(nonce: string): Promise<boolean> {
    this.#ended ??= this.#readEnded();
    return this.#ended.has(nonce);
  }

  /** A single bridge has no other replicas. */
  onEnd(): void {}
  onCancel(): void {}
  async cancel(): Promise<void> {}

  #storedKey(): Uint8Array {
    const path = join(this.#folder, 'key');
    const made = `${path}.${process.pid}.tmp`;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(made, randomBytes(32).toString('hex'), { mode: 0o600 });
      try {
        // Unlike a rename, a link never replaces the key of another process.
        linkSync(made, path);
      } catch (error) {
        if (systemErrorCode(error) !== 'EEXIST') throw error;
      } finally {
        rmSync(made, { force: true });
      }
      return Buffer.from(readFileSync(path, 'utf8'), 'hex');
    } catch (error) {
      const dir = this.#folder;
      this.#logger.info('The key of the sessions cannot be stored: sessions end when the bridge stops', {
        dir,
        advice: 'Set http.sessionKey.',
        error,
      });
      return randomBytes(32);
    }
  }

  /** Reads the file, and writes it again without what has expired. */
  #readEnded(): Map<string, number> {
    const now = Date.now();
    try {
      const lines = readFileSync(this.#endedFile, 'utf8').split('\n').slice(0, -1);
      const entries = lines
        .map((line): [string, number] => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])])
        .filter(([, expiresAt]) => expiresAt > now)
        .slice(-MAX_ENDED);
      if (entries.length < lines.length) {
        writeFileSync(this.#endedFile, entries.map((entry) => lineOf(...entry)).join(''), { mode: 0o600 });
      }
      return new Map(entries);
    } catch {
      // The file does not exist yet, or the folder is not accessible.
      return new Map();
    }
  }
}

function lineOf(nonce: string, expiresAt: number): string {
  return `${nonce} ${expiresAt}\n`;
}
