import { abortable } from '../../model/async.ts';
import type { Invoker } from '../../model/ports.ts';
import type { ConsoleSession } from '../console/session.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import { type DifyReply, header, isWebPage, readReply } from '../wire/reply.ts';
import { AppGone, isGone, refusedRun } from './account-errors.ts';
import type { BridgeApp } from './bridge-app.ts';
import type { Draft } from './draft.ts';
import { toNodeRun } from './node.ts';
import { messagesOf } from './outputs.ts';
import { readRun } from './run-answer.ts';
import type { WorkflowRuns } from './workflow-runs.ts';

export interface AccountInvokerOptions {
  readonly session: ConsoleSession;
  readonly app: BridgeApp;
  readonly workflows: WorkflowRuns;
  /** The most bytes of all messages of one call. */
  readonly maxAnswerBytes: number;
}

/** Attempts to run a node that others delete at the same time. A tool is started by the last one only. */
const MAX_ATTEMPTS = 3;
/** The call's own deadline ends a run. */
const NO_TIMEOUT = Number.POSITIVE_INFINITY;

/**
 * Returns an invoker that runs tools as nodes in the draft of the bridge's app. It sends a run again only if Dify cannot
 * have started it: the app was gone, or the node was missing before the run was sent.
 */
export function createAccountInvoker(options: AccountInvokerOptions): Invoker {
  const { session, app, workflows, maxAnswerBytes } = options;
  return {
    stopsWorkflows: true,
    async *invoke(ref, parameters, { credentialId, providerLabel, forms = [], signal, memory, exchange }) {
      if (ref.providerType === 'workflow') {
        const messages = await workflows.start(ref.providerId, parameters, { signal, memory, exchange });
        if (messages !== undefined) {
          yield* messages;
          return;
        }
      }
      for (let attempt = 1; ; attempt += 1) {
        const draft = await abortable(app.draft(), signal);
        const { node, inputs } = toNodeRun({ ref, parameters, forms, credentialId }, app.version);
        try {
          const done = await draft.use(node, signal);
          try {
            const path = `${draft.path}/nodes/${node.id}/run`;
            const content = () => ({ body: { inputs } });
            const sent = performance.now();
            const limits = { signal, timeoutMs: NO_TIMEOUT };
            const answer = await session.send({ method: 'POST', path, content, exchange, ...limits });
            if (answer.status === 200 && !isWebPage(answer)) {
              const run = await readRun(answer, { maxBytes: maxAnswerBytes, memory, signal });
              yield* messagesOf(run, { ...ref, providerLabel }, answer);
              return;
            }
            const elapsed = performance.now() - sent;
            const reply = await readReply(answer);
            if (
              attempt === MAX_ATTEMPTS ||
              !(await wasNotStarted(draft, node.id, { answer, reply }, elapsed))
            ) {
              throw refusedRun(session, answer, reply, { ...ref, providerLabel });
            }
          } finally {
            done();
          }
        } catch (error) {
          if (!(error instanceof AppGone) || attempt === MAX_ATTEMPTS) throw error;
          await app.forget(draft);
        }
      }
    },
  };
}

/** Resolves with whether Dify cannot have started a refused run. Throws AppGone if it cannot because the app was gone. */
async function wasNotStarted(
  draft: Draft,
  nodeId: string,
  { answer, reply }: { readonly answer: DifyAnswer; readonly reply: DifyReply },
  elapsed: number,
): Promise<boolean> {
  if (isGone(reply)) throw new AppGone();
  // Dify fails with 500 if the draft lacks the node, and with 400 if there is no draft.
  if (reply.status !== 500 && reply.status !== 400) return false;
  // Dify's own clock, to the second.
  const answeredAt = Date.parse(header(answer, 'date') ?? '');
  return draft.lacked(nodeId, Math.floor((answeredAt + 1000 - elapsed) / 1000)).catch((error: unknown) => {
    // The app was perhaps deleted during the run.
    if (error instanceof AppGone && reply.status === 500) return false;
    throw error;
  });
}
