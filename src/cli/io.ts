import type { App, createApp } from '../app/app.ts';
import { type Environment, processEnvironment } from '../config/environment.ts';
import type { Prompter } from './prompter.ts';

/** A text stream: standard output or standard error. */
export interface TextSink {
  readonly isTTY?: boolean | undefined;
  /** What has been written but not been taken by the reader, in bytes. */
  readonly writableLength?: number | undefined;
  /** The width of a terminal, in characters. */
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** A stream of input that may be a terminal. */
export interface TextSource extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean | undefined;
}

/** The signals that the program handles. */
export type CliSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Everything outside the program that a command uses, so that tests can run it in-process. */
export interface CliIo {
  readonly stdin: TextSource;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: Environment;
  /** The Node binary and the script of the running program. */
  readonly program: { readonly node: string; readonly script: string };
  /** Calls `listener` on each such signal. Returns a function that removes it. */
  onSignal(name: CliSignal, listener: () => void): () => void;
  /**
   * Reports warnings of Node.js and errors that nothing caught, which Node.js would print. Returns a function that ends
   * this. `fatal`: the process is in an unknown state and must end.
   */
  onFault(listener: (error: unknown, fatal: boolean) => void): () => void;
  /** Ends the process immediately, by default with the exit code of the command. */
  exitNow(code?: number): void;
  readonly createApp: typeof createApp;
  /** Returns a prompter for the person at the terminal. */
  createPrompter(): Promise<Prompter>;
}

/** Returns true if a person at a terminal can be asked. */
export function canAsk(io: Pick<CliIo, 'stdin' | 'stderr'>): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}

/** Returns the environment of the running process. */
export function processIo(): CliIo {
  const onSignal: CliIo['onSignal'] = (name, listener) => {
    process.on(name, listener);
    return () => void process.off(name, listener);
  };
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: processEnvironment(),
    program: { node: process.execPath, script: process.argv[1] ?? '' },
    onSignal,
    onFault(listener) {
      const printers = process.listeners('warning');
      const onWarning = (error: Error): void => listener(error, false);
      const onError = (error: unknown): void => listener(error, true);
      process.removeAllListeners('warning').on('warning', onWarning).on('uncaughtException', onError);
      return () => {
        process.off('warning', onWarning).off('uncaughtException', onError);
        for (const printer of printers) process.on('warning', printer);
      };
    },
    exitNow: (code) => process.exit(code),
    createApp: async (config, options): Promise<App> =>
      (await import('../app/app.ts')).createApp(config, options),
    createPrompter: async () =>
      (await import('./prompter.ts')).createPrompter(process.stdin, process.stderr, onSignal),
  };
}
