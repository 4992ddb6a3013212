import type { LoggingLevel } from '@modelcontextprotocol/server';
import { cutText } from '../model/cut-text.ts';
import type { JsonObject } from '../model/json.ts';
import type { LogEntry } from '../model/message.ts';

/** A label longer than this is cut where it becomes a progress sentence. */
const MAX_LABEL = 200;

/** The level of a tool's step: one that failed is an error, any other information. */
export function logLevel({ status }: LogEntry): Extract<LoggingLevel, 'info' | 'error'> {
  return status === 'error' ? 'error' : 'info';
}

/** What a log notification carries of a step; `elapsed` is in seconds, as the tool measured it. */
export function logData({ label, status, error, metadata }: LogEntry): JsonObject {
  const elapsed = metadata['elapsed_time'];
  return {
    label,
    status,
    ...(error === undefined ? {} : { error }),
    ...(elapsed === undefined || elapsed === null ? {} : { elapsed }),
  };
}

/** A step as one line of progress. */
export function logSentence({ label, status }: LogEntry): string {
  const name = label === '' ? 'Step' : cutText(label, MAX_LABEL);
  if (status === 'start') return name;
  if (status === 'success') return `${name}: done`;
  return `${name}: ${status === 'error' ? 'failed' : status}`;
}
