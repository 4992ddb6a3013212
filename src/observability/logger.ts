import { destination as fileDestination, pino, stdTimeFunctions } from 'pino';
import type { LogFields, Logger } from '../model/logger.ts';
import { Secrets } from '../model/secrets.ts';
import { mendJson } from '../model/well-formed.ts';
import { loggable } from './redact.ts';

/** Least severe level that is logged. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Where finished lines go, each with its line break. */
export interface LogDestination {
  write(line: string): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Standard error, written synchronously, when absent. */
  readonly destination?: LogDestination | undefined;
  /** Values that must never appear in a line, whatever field or sentence they come in. */
  readonly secrets?: readonly string[] | undefined;
}

/** A logger whose level can be changed. */
export interface LeveledLogger extends Logger {
  /** Changes what is logged from now on; children that were made before do not change. */
  setLevel(level: LogLevel): void;
}

/**
 * A logger that writes JSON lines: `time` (ISO), `level` (a word), `msg` and the fields. Values under secret
 * names, known secrets and signed links are replaced. Logging never throws.
 */
export function createLogger(options: LoggerOptions): LeveledLogger {
  const target = options.destination ?? standardError();
  const secrets = new Secrets(options.secrets);
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => target.write(secrets.mask(mendJson(line))) },
  );
  return {
    ...wrap(root, secrets),
    setLevel(level) {
      root.level = level;
    },
  };
}

function standardError(): LogDestination {
  const stream = fileDestination({ fd: 2, sync: true });
  // The parent process may have closed standard error; that is no reason to fail.
  stream.on('error', () => undefined);
  return stream;
}

/** The few methods of pino in use. */
type Sink = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'child' | 'isLevelEnabled'>;

function wrap(sink: Sink, secrets: Secrets): Logger {
  const write = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: LogFields): void => {
    try {
      if (sink.isLevelEnabled(level)) sink[level](loggable(fields ?? {}, secrets), message);
    } catch {
      // A log line is never worth a failed call.
    }
  };
  return {
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    child: (fields) => wrap(sink.child(loggable(fields, secrets) as Record<string, unknown>), secrets),
  };
}
