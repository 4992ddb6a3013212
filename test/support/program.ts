import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');

/** The built program, as it is published. */
export const PROGRAM = join(ROOT, 'dist/main.js');

if (!existsSync(PROGRAM)) {
  throw new Error('dist/main.js is missing: run `npm run build` first, as `npm test` does.');
}

/** A process that has ended. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  /** Added to a small environment without any setting of this machine. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What runs instead of the built program in this checkout. */
  readonly program?: string;
}

/** A process with what it has written so far. It is killed when the scope that uses it is left. */
export interface Started extends AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams;
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: Promise<Ended>;
  /** The first match in what was or will be written. Rejects when the process ends before. */
  match(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray>;
}

/** The variables that every process of the tests gets: no home, so no configuration file and no kept files either. */
export function cleanEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '' } = process.env;
  const nowhere = join(tmpdir(), 'dify-mcp-bridge-without-home');
  return { PATH, HOME: nowhere, XDG_CONFIG_HOME: nowhere, DIFY_BRIDGE_FILES_STORE: 'memory', ...more };
}

/** Starts the built program. */
export function start(args: readonly string[], options: StartOptions = {}): Started {
  const child = spawn(process.execPath, [options.program ?? PROGRAM, ...args], {
    cwd: options.cwd ?? ROOT,
    env: cleanEnvironment(options.env),
    stdio: 'pipe',
  });
  const written = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
      for (const look of waiting) look();
    });
  }
  // A program that does not read its input closes it; tests look at how it ends instead.
  child.stdin.on('error', () => undefined);

  let over = false;
  const ended = new Promise<Ended>((done, failed) => {
    child.once('error', failed);
    child.once('close', (code, signal) => {
      over = true;
      for (const look of waiting) look();
      done({ code, signal, ...written });
    });
  });

  return {
    child,
    ended,
    get stdout() {
      return written.stdout;
    },
    get stderr() {
      return written.stderr;
    },
    match: (stream, pattern) =>
      new Promise((found, failed) => {
        const look = (): void => {
          const match = pattern.exec(written[stream]);
          if (match === null && !over) return;
          waiting.delete(look);
          if (match !== null) found(match);
          else failed(new Error(`The program ended without ${pattern} on ${stream}:\n${written.stderr}`));
        };
        waiting.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      if (!over) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs the built program to its end. */
export async function run(
  args: readonly string[],
  { stdin = '', ...options }: StartOptions & { readonly stdin?: string } = {},
): Promise<Ended> {
  const started = start(args, options);
  started.child.stdin.end(stdin);
  return started.ended;
}
