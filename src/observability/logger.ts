import { destination as fileDestination, type DestinationStream, pino, stdTimeFunctions } from 'pino';
import type { LogFields, Logger } from '../model/logger.ts';
import { Secrets } from '../model/secrets.ts';
import { mendJson } from '../model/well-formed.ts';
import { loggable } from './redact.ts';
import { TurnLines } from './turn-lines.ts';

/** The least severe level that is logged. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Default: standard error, written at the end of each turn of the event loop. */
  readonly destination?: DestinationStream | undefined;
  /** Values that must never appear in a line, in any field or message. Those of `Secrets` may change. */
  readonly secrets?: readonly string[] | Secrets | undefined;
}

/** A logger whose level can be changed. */
export interface LeveledLogger extends Logger {
  /** Changes the level. Existing children keep theirs. */
  setLevel(level: LogLevel): void;
}

/**
 * Returns a logger that writes JSON lines with `time` (ISO), `level` (a word), `msg` and the fields. It replaces values
 * under secret names, known secrets and signed links. Its methods never throw.
 */
export function createLogger(options: LoggerOptions): LeveledLogger {
  const target = options.destination ?? standardError();
  const secrets = options.secrets instanceof Secrets ? options.secrets : new Secrets(options.secrets);
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

/** There is one standard error, and one listener for the end of the process is enough. */
let shared: DestinationStream | undefined;

/** Returns standard error. */
function standardError(): DestinationStream {
  if (shared !== undefined) return shared;
  const stream = fileDestination({ fd: 2, sync: true });
  // The parent process may have closed standard error, which must not end the bridge.
  stream.on('error', () => undefined);
  const lines = new TurnLines((text) => stream.write(text));
  process.on('exit', () => lines.flush());
  shared = { write: (line) => lines.add(line) };
  return shared;
}

/** The methods of pino that are used. */
type Sink = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'child' | 'isLevelEnabled'>;

function wrap(sink: Sink, secrets: Secrets): Logger {
  const write = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: LogFields): void => {
    try {
      if (sink.isLevelEnabled(level)) sink[level](loggable(fields ?? {}, secrets), message);
    } catch {
      // A failure to log must not make a call fail.
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
