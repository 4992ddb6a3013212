import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ReloadOutcome } from '../app/reload.ts';
import type { Environment } from '../config/environment.ts';
import { BridgeError, type Problem } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';

/** How long a bridge may take to reload, in milliseconds. */
const ANSWER_MS = 60_000;

/** What a bridge says about its reload. */
export interface ReloadReport {
  readonly pid: number;
  readonly needRestart: readonly string[];
  /** Why the new configuration is not in force. */
  readonly error?: { readonly message: string; readonly problems: readonly Problem[] } | undefined;
}

/**
 * Listens for `reload` on a socket in the folder of temporary files, to which only this user can connect: a container
 * may lack a shell and `kill`, but not this program. Without such a folder it logs that. Returns the function that ends it.
 */
export async function listenForReload(
  env: Environment,
  reload: () => Promise<ReloadOutcome>,
  logger: Logger,
): Promise<() => void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined).resume();
    void reload().then(({ error, needRestart }) => {
      const { message = '', problems = [] } = error ?? {};
      const report: ReloadReport = { pid: process.pid, needRestart, error: error && { message, problems } };
      socket.end(JSON.stringify(report));
    });
  });
  try {
    const name = `${process.pid}-${randomBytes(4).toString('hex')}.sock`;
    server.listen(join(ownFolder(env), name));
    await once(server, 'listening');
    server.unref();
  } catch (error) {
    logger.info('The command reload cannot reach this bridge; the signal SIGHUP can', {
      reason: error instanceof Error ? error.message : 'unknown',
    });
  }
  return () => void server.close();
}

/** Reloads every bridge of this user. Resolves with a report of each that answers. */
export async function reloadAll(env: Environment): Promise<readonly ReloadReport[]> {
  const folder = ownFolder(env);
  const names = readdirSync(folder).filter((name) => name.endsWith('.sock'));
  const reports = await Promise.all(names.map((name) => ask(join(folder, name))));
  return reports.filter((report) => report !== undefined);
}

/** Resolves with undefined if no process listens any longer, and removes the socket then. */
async function ask(path: string): Promise<ReloadReport | undefined> {
  const socket = connect({ path, allowHalfOpen: true });
  socket.setTimeout(ANSWER_MS, () => socket.destroy());
  try {
    await once(socket, 'connect');
  } catch {
    rmSync(path, { force: true });
    return undefined;
  }
  const answer = await text(socket).catch(() => '');
  if (answer !== '') return JSON.parse(answer) as ReloadReport;
  const message = 'It ended, or did not answer within a minute.';
  return { pid: Number.parseInt(basename(path), 10), needRestart: [], error: { message, problems: [] } };
}

/**
 * Returns the folder of the sockets. Throws if others can write to it: they could put sockets there that answer in place
 * of a bridge.
 */
function ownFolder(env: Environment): string {
  const user = process.getuid?.() ?? 'user';
  const folder = join(env['TMPDIR'] || '/tmp', `dify-mcp-bridge-${user}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = lstatSync(folder);
  if (uid === user && (mode & 0o077) === 0) return folder;
  throw new BridgeError(
    'usage',
    `Others can write to ${folder}, so its sockets may not be those of bridges.`,
    {
      hint: 'Remove the folder and restart the bridges.',
    },
  );
}
