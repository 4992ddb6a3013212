import type { LoggingLevel } from '@modelcontextprotocol/server';
import { cutText } from '../model/cut-text.ts';
import { withoutSteering } from '../model/invisible-characters.ts';
import type { JsonObject } from '../model/json.ts';
import type { LogEntry } from '../model/message.ts';

/** The longest label in a progress message, in characters. */
const MAX_LABEL = 200;

/** Returns the level of a tool's step: `error` if it failed, otherwise `info`. */
export function logLevel({ status }: LogEntry): Extract<LoggingLevel, 'info' | 'error'> {
  return status === 'error' ? 'error' : 'info';
}

/** Returns the data of the log notification for a step. `elapsed` is in seconds, as measured by the tool. */
export function logData({ label, status, error, metadata }: LogEntry): JsonObject {
  const elapsed = metadata['elapsed_time'];
  return {
    label: withoutSteering(label),
    status: withoutSteering(status),
    ...(error !== undefined && { error: withoutSteering(error) }),
    ...(typeof elapsed === 'number' && { elapsed }),
  };
}

/** Returns a step as one line of progress. */
export function logSentence({ label, status }: LogEntry): string {
  const name = label === '' ? 'Step' : cutText(withoutSteering(label), MAX_LABEL);
  if (status === 'start') return name;
  if (status === 'success') return `${name}: done`;
  return `${name}: ${status === 'error' ? 'failed' : withoutSteering(status)}`;
}
