import type { CallObserver } from '../model/call.ts';
import { cutText } from '../model/cut-text.ts';
import type { BridgeError } from '../model/errors.ts';
import { withoutSteering } from '../model/invisible-characters.ts';
import type { LogEntry } from '../model/message.ts';
import { throttled } from '../model/throttled.ts';

/** The shortest time between two progress messages, in milliseconds. */
const INTERVAL_MS = 250;

/** The most steps of one call that are reported, and their size in characters. */
const MAX_STEPS = 500;
const MAX_STEP_CHARS = 256 * 1024;
/** The longest label and the longest error of a step, and the longest text of a report, in characters. */
const MAX_WORDS = 4000;
const MAX_STATUS = 100;

/** Reports to an observer, and survives one that throws. `output` and `text` report at most every 250 ms. */
export function createAnnouncer(observer: CallObserver | undefined) {
  let count = 0;
  let steps = 0;
  let chars = 0;
  let leftOut = 0;
  let unreported = '';
  const log = (entry: LogEntry): void => quietly(() => observer?.log?.(entry));
  const written = throttled(INTERVAL_MS, () => {
    const text = cutText(withoutSteering(unreported.trim()), MAX_WORDS);
    unreported = '';
    quietly(() => observer?.progress?.(text));
  });
  return {
    output: throttled(INTERVAL_MS, (messages) => {
      count += messages;
      quietly(() => observer?.progress?.(count === 1 ? 'Received 1 message' : `Received ${count} messages`));
    }),
    /** Reports the text since the last report. */
    text(piece: string): void {
      unreported += piece;
      if (unreported.trim() !== '') written();
    },
    /** Reports a step, unless the call has reported too many. */
    step(entry: LogEntry): void {
      const short = shortened(entry);
      steps += 1;
      chars += short.label.length + (short.error?.length ?? 0);
      if (steps > MAX_STEPS || chars > MAX_STEP_CHARS) leftOut += 1;
      else log(short);
    },
    /** Reports how many steps were left out. */
    end(): void {
      if (leftOut === 0) return;
      const label = `${leftOut} log messages of the tool were left out (limits: ${MAX_STEPS} messages, ${MAX_STEP_CHARS} characters)`;
      log({ label, status: 'success', metadata: {} });
    },
    failed: (error: BridgeError) => quietly(() => observer?.failed?.(error)),
  };
}

function shortened(entry: LogEntry): LogEntry {
  const { label, status, error } = entry;
  return {
    ...entry,
    label: cutText(label, MAX_WORDS),
    status: cutText(status, MAX_STATUS),
    error: error === undefined ? undefined : cutText(error, MAX_WORDS),
  };
}

function quietly(notify: () => void): void {
  try {
    notify();
  } catch {
    // A failure of the observer must not fail the call.
  }
}
