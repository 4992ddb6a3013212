import type { LogFields, Logger } from '../../src/model/logger.ts';

/** A line that was logged. */
export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** A logger that keeps its lines. */
export interface RecordingLogger extends Logger {
  readonly lines: LoggedLine[];
}

export function recordingLogger(): RecordingLogger {
  return loggerInto([], undefined);
}

function loggerInto(lines: LoggedLine[], common: LogFields | undefined): RecordingLogger {
  const at =
    (level: LoggedLine['level']) =>
    (message: string, fields?: LogFields): void => {
      lines.push({ level, message, fields: common === undefined ? fields : { ...common, ...fields } });
    };
  return {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => loggerInto(lines, { ...common, ...fields }),
  };
}
