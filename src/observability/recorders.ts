import type { CallRecord, CallRecorder } from '../model/call-record.ts';
import type { CallOrigin } from '../model/call.ts';
import type { LogFields, Logger } from '../model/logger.ts';

/** Passes the events of calls on to several recorders, in their order. A recorder that throws stops no other one. */
export class Recorders implements CallRecorder {
  readonly #recorders: CallRecorder[];
  readonly #logger: Logger;

  constructor(recorders: readonly CallRecorder[], logger: Logger) {
    this.#recorders = [...recorders];
    this.#logger = logger;
  }

  /** Adds a recorder for the calls that begin from now on. */
  add(recorder: CallRecorder): void {
    this.#recorders.push(recorder);
  }

  started(facts: Parameters<CallRecorder['started']>[0]): CallRecord {
    const records: CallRecord[] = [];
    this.#each(this.#recorders, (recorder) => void records.push(recorder.started(facts)));
    return {
      sent: () => {
        let trace: ReturnType<NonNullable<CallRecord['sent']>>;
        this.#each(records, (record) => void (trace = record.sent?.() ?? trace));
        return trace;
      },
      received: (message) => this.#each(records, (record) => record.received?.(message)),
      truncated: (part) => this.#each(records, (record) => record.truncated?.(part)),
      ended: (end) => this.#each(records, (record) => record.ended(end)),
    };
  }

  #each<T>(items: readonly T[], act: (item: T) => void): void {
    for (const item of items) {
      try {
        act(item);
      } catch (error) {
        this.#logger.error('A call could not be recorded', { error });
      }
    }
  }
}

/** Returns the recorder that writes one line to the log for each call. It names all workspaces but one. */
export function callLog(logger: Logger, defaultWorkspace: string): CallRecorder {
  return {
    started: ({ tool, ref, isBridgeTool, origin, workspace }) => ({
      ended({ outcome, durationMs, messages, operatorError }) {
        const level = operatorError === undefined ? 'info' : 'warn';
        logger[level]('Tool call ended', {
          requestId: origin?.requestId,
          client: origin?.client,
          clientVersion: origin?.clientVersion,
          session: origin?.session,
          address: origin?.address,
          forwardedFor: origin?.forwardedFor,
          traceId: origin?.traceId,
          workspace: workspace === defaultWorkspace ? undefined : workspace,
          tool,
          providerType: isBridgeTool === true ? 'bridge' : ref?.providerType,
          outcome,
          durationMs: Math.round(durationMs),
          messages,
          reason: operatorError?.message,
          hint: operatorError?.hint,
        } satisfies LogFields & Record<Exclude<keyof CallOrigin, 'rpc'>, unknown>);
      },
    }),
  };
}
