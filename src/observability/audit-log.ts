import { hash } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { destination } from 'pino';
import { settlesWithin } from '../model/async.ts';
import {
  type CallEnd,
  type CallFacts,
  type CallRecord,
  type CallRecorder,
  providerName,
} from '../model/call-record.ts';
import { BridgeError, systemErrorCode } from '../model/errors.ts';
import { canonicalJson } from '../model/exact-json.ts';
import type { Json } from '../model/json.ts';
import type { Logger } from '../model/logger.ts';
import type { Secrets } from '../model/secrets.ts';
import { mendJson } from '../model/well-formed.ts';
import { loggable } from './redact.ts';
import { TurnLines } from './turn-lines.ts';

/** Bytes that wait for the disk. Beyond them, lines are lost, because the bridge must not stop or grow. */
const MAX_WAITING = 16 * 1024 * 1024;
/** The shortest time between two log lines about a failure, in milliseconds. */
const REPORT_MS = 60_000;
/** How long closing waits for the disk, in milliseconds. */
const CLOSE_MS = 5000;

export interface AuditLogOptions {
  /** A path, or a standard stream. */
  readonly file: string | 1 | 2;
  readonly maxFileBytes: number;
  /** The renamed files to keep. */
  readonly maxFiles: number;
  /** Whether a line has the arguments of the call. */
  readonly arguments: boolean;
  readonly secrets: Secrets;
  readonly logger: Logger;
}

/** Writes one JSON line for each call, in the background. A failure to write is logged and fails no call. */
export class AuditLog implements CallRecorder {
  readonly #options: AuditLogOptions;
  readonly #stream: ReturnType<typeof destination>;
  readonly #lines = new TurnLines((lines) => this.#write(lines));
  #size: number;
  /** Whether the file is being opened. Until then, lines wait in memory. */
  #isOpening = true;
  #reportedAt = Number.NEGATIVE_INFINITY;

  /** @throws BridgeError `config_invalid` if the file cannot be opened. */
  constructor(options: AuditLogOptions) {
    const { file } = options;
    this.#options = options;
    this.#size = typeof file === 'number' ? 0 : sizeOf(file);
    const target = typeof file === 'number' ? { fd: file } : { dest: file, mode: 0o600 };
    this.#stream = destination({ ...target, sync: false, maxLength: MAX_WAITING });
    this.#stream.on('ready', () => (this.#isOpening = false));
    this.#stream.on('error', (error: unknown) =>
      this.#failed('The audit log could not be written', { error }),
    );
    this.#stream.on('drop', () =>
      this.#failed('The audit log lost lines, because they arrived faster than the disk writes'),
    );
  }

  started(facts: CallFacts): CallRecord {
    return { ended: (end) => this.#lines.add(this.#lineOf(facts, end)) };
  }

  /** Writes what is left. Never rejects. */
  async close(): Promise<void> {
    this.#lines.flush();
    const closed = new Promise<void>((resolve) => this.#stream.once('close', resolve));
    this.#stream.end();
    await settlesWithin(closed, CLOSE_MS);
  }

  #lineOf(facts: CallFacts, { outcome, durationMs, bytes }: CallEnd): string {
    const { secrets } = this.#options;
    const { workspace, view, principal, tool, road, credentialId, origin, args } = facts;
    const entry = {
      time: new Date().toISOString(),
      requestId: origin?.requestId,
      principal,
      client: origin?.client,
      address: origin?.address,
      workspace,
      view,
      tool,
      provider: providerName(facts),
      road,
      credential: credentialId,
      outcome,
      durationMs: Math.round(durationMs),
      bytes,
      argumentsHash: hash('sha256', canonicalJson((args ?? {}) as Json)),
      arguments: this.#options.arguments ? loggable(args, secrets) : undefined,
    };
    return `${secrets.mask(mendJson(JSON.stringify(entry)))}\n`;
  }

  #write(lines: string): void {
    this.#stream.write(lines);
    this.#size += Buffer.byteLength(lines);
    const { file, maxFileBytes } = this.#options;
    if (typeof file === 'string' && this.#size >= maxFileBytes && !this.#isOpening) this.#rotate(file);
  }

  /** Renames the files: `audit.log` to `audit.log.1`, that to `audit.log.2`, and so on. The last one is deleted. */
  #rotate(file: string): void {
    this.#size = 0;
    try {
      // What is in memory belongs to the full file.
      this.#stream.flushSync();
      const { maxFiles } = this.#options;
      rmSync(`${file}.${maxFiles}`, { force: true });
      for (let index = maxFiles - 1; index >= 1; index -= 1)
        renameIfThere(`${file}.${index}`, `${file}.${index + 1}`);
      if (maxFiles === 0) rmSync(file, { force: true });
      else renameIfThere(file, `${file}.1`);
      this.#isOpening = true;
      this.#stream.reopen();
    } catch (error) {
      this.#failed('The audit log could not be rotated', { error });
    }
  }

  #failed(message: string, fields?: { readonly error: unknown }): void {
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_MS) return;
    this.#reportedAt = now;
    this.#options.logger.error(message, fields);
  }
}

/** Returns the size of a file. Creates it if it is missing. */
function sizeOf(file: string): number {
  try {
    closeSync(openSync(file, 'a', 0o600));
    return statSync(file).size;
  } catch (error) {
    const message = `The audit log ${file} cannot be written (${systemErrorCode(error)}).`;
    throw new BridgeError('config_invalid', message, {
      hint: 'Change audit.file (DIFY_BRIDGE_AUDIT_FILE), or make the folder and let the bridge write there.',
      cause: error,
    });
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}
