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

/** What a running call tells its client. */
export interface CallReporter {
  readonly observer: Required<Pick<CallObserver, 'log' | 'progress'>>;
  /** Ends the reports; resolves when the transport has taken all of them, so that the result comes last. */
  end(): Promise<void>;
}

/**
 * Turns what happens during a call into log and progress notifications on the request's own stream. Steps become
 * log messages as far as the client's level admits them. Progress goes to clients that sent a token. Nothing
 * goes out once the call is cancelled, and a notification that cannot be delivered does not disturb the call.
 */
export function createCallReporter(
  toolName: string,
  { mcpReq }: ServerContext,
  { progressIntervalMs, vocabulary }: ReporterOptions,
): CallReporter {
  let sent: Promise<unknown> = Promise.resolve();

  /** Sends in the order of the calls, each after the one before it was taken. */
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
