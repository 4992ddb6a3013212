import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BridgeError, systemErrorCode } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';
import type { RecordBackend } from './records.ts';

/** The form of the file. Raise it if older bridges would misread a new one. */
const FORM = 1;
/** Beyond this, the record that would expire first is dropped: a started sign-in before a finished one. */
const MAX_RECORDS = 10_000;

interface StoredRecord {
  readonly value: string;
  readonly expiresAt: number;
}

/** The records of a single bridge: in memory, and in a file that is replaced at each change. */
export class FileRecords implements RecordBackend {
  readonly #path: string;
  readonly #records: Map<string, StoredRecord>;
  #saving: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  private constructor(path: string, records: Map<string, StoredRecord>) {
    this.#path = path;
    this.#records = records;
  }

  /** Opens the file, which need not exist. Rejects with `login_file_invalid` if it cannot be read or written. */
  static async open(path: string): Promise<FileRecords> {
    const records = new FileRecords(path, await read(path));
    await records.#save();
    return records;
  }

  async get(name: string): Promise<string | undefined> {
    const record = this.#records.get(name);
    return record !== undefined && record.expiresAt > Date.now() ? record.value : undefined;
  }

  async set(name: string, value: string, ttlMs: number): Promise<void> {
    this.#records.set(name, { value, expiresAt: Date.now() + ttlMs });
    await this.#save();
  }

  async add(name: string, value: string, ttlMs: number): Promise<boolean> {
    if ((this.#records.get(name)?.expiresAt ?? 0) > Date.now()) return false;
    await this.set(name, value, ttlMs);
    return true;
  }

  async remove(name: string): Promise<void> {
    if (this.#records.delete(name)) await this.#save();
  }

  async close(): Promise<void> {
    await this.#next;
    await this.#saving;
  }

  /** Resolves when the file has what the memory has now. Changes that arrive during a write share the next one. */
  #save(): Promise<void> {
    if (this.#saving === undefined) {
      this.#saving = this.#write().finally(() => {
        this.#saving = undefined;
      });
      return this.#saving;
    }
    this.#next ??= this.#saving
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#save();
      });
    return this.#next;
  }

  async #write(): Promise<void> {
    this.#discard();
    const text = JSON.stringify({ form: FORM, records: Object.fromEntries(this.#records) });
    const temporary = `${this.#path}.${randomUUID()}.tmp`;
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeFile(temporary, text, { flag: 'wx', mode: 0o600, flush: true });
      await rename(temporary, this.#path);
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => undefined);
      const message = `The signed-in accounts in ${this.#path} cannot be written (${systemErrorCode(cause)}).`;
      const hint = 'Make room on the disk, and give this user write permission to the folder.';
      throw new BridgeError('login_file_invalid', message, { hint, cause });
    }
  }

  /** Drops expired records, and those beyond the limit. */
  #discard(): void {
    const now = Date.now();
    for (const [name, { expiresAt }] of this.#records) if (expiresAt <= now) this.#records.delete(name);
    const excess = this.#records.size - MAX_RECORDS;
    if (excess <= 0) return;
    const byExpiry = [...this.#records].sort(([, a], [, b]) => a.expiresAt - b.expiresAt);
    for (const [name] of byExpiry.slice(0, excess)) this.#records.delete(name);
  }
}

async function read(path: string): Promise<Map<string, StoredRecord>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code === 'ENOENT') return new Map();
    const message = `The signed-in accounts in ${path} cannot be read (${code}).`;
    const hint = 'Give the user who runs the bridge permission to read the file.';
    throw new BridgeError('login_file_invalid', message, { hint, cause });
  }
  try {
    const raw: unknown = JSON.parse(text);
    if (!isJsonObject(raw) || raw['form'] !== FORM || !isJsonObject(raw['records']))
      throw new TypeError('form');
    return new Map(Object.entries(raw['records']) as [string, never][]);
  } catch (cause) {
    const message = `The file of signed-in accounts ${path} is damaged, or a newer version wrote it.`;
    const hint = 'Update dify-mcp-bridge, or delete the file: everyone then signs in again.';
    throw new BridgeError('login_file_invalid', message, { hint, cause });
  }
}
