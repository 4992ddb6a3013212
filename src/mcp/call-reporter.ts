import type { ServerContext } from '@modelcontextprotocol/server';
import type { CallObserver } from '../model/call.ts';
import { logData, logLevel, logSentence } from './log-message.ts';
import { startProgress } from './progress.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface ReporterOptions {
  /** The longest silence towards a client that asked for progress, in milliseconds. */
  readonly progressIntervalMs: number;
  readonly vocabulary: Vocabulary;
}

/** The reports of a running call to its client. */
export interface CallReporter {
  readonly observer: Required<Pick<CallObserver, 'log' | 'progress'>>;
  /** Ends the reports. Resolves when the transport has accepted all of them, so that the result comes last. */
  end(): Promise<void>;
}

/**
 * Reports the events of a call as log and progress notifications on the request's own stream. Steps become log messages
 * if the client's log level admits them. Clients that sent a progress token get progress. Sends nothing after the call
 * is cancelled, and ignores notifications that cannot be delivered.
 */
export function createCallReporter(
  toolName: string,
  { mcpReq }: ServerContext,
  { progressIntervalMs, vocabulary }: ReporterOptions,
): CallReporter {
  let sent: Promise<unknown> = Promise.resolve();

  /** Sends notifications in order, each after the transport has accepted the one before. */
  function send(notify: () => Promise<void>): void {
    sent = sent.then(() => (mcpReq.signal.aborted ? undefined : notify())).catch(() => undefined);
  }

  const progressToken = mcpReq._meta?.progressToken;
  const progress =
    progressToken === undefined
      ? undefined
      : startProgress({
          intervalMs: progressIntervalMs,
          send: (progress, message) =>
            send(() =>
              mcpReq.notify({
                method: 'notifications/progress',
                params: { progressToken, progress, ...(vocabulary !== '2024-11-05' && { message }) },
              }),
            ),
        });

  return {
    observer: {
      log(entry) {
        send(() => mcpReq.log(logLevel(entry), logData(entry), toolName));
        progress?.step(logSentence(entry));
      },
      progress(message) {
        progress?.output(message);
      },
    },
    async end() {
      progress?.end();
      await sent;
    },
  };
}
