import { durationText } from '../model/duration.ts';
import { asBridgeError, BridgeError, type ErrorCode } from '../model/errors.ts';
import type { PublishedTool } from '../model/registry.ts';

const NOT_STARTED = 'The tool was not started.';
const MAY_STILL_RUN = 'Dify may still be running it: check there before calling again.';
/** Closing a request ends only the answer: Dify stops neither plugins nor requests to APIs, and workflows only on request. */
const RUNS_ON =
  'The request to Dify was closed, but the tool runs to its end in Dify if it has started there.';

const STOPPED =
  'Dify stops the workflow, unless its app has a newer version than the tool. What it did stays done.';

/** Returns the error for a cancelled call. `sent`: the invocation had been sent to Dify. */
export function cancelled(sent: boolean, isStopped: boolean): BridgeError {
  const hint = sent ? (isStopped ? STOPPED : RUNS_ON) : NOT_STARTED;
  return new BridgeError('cancelled', 'The call was cancelled.', { hint });
}

/** Returns the error for a call that took longer than `timeoutMs`, including waiting and uploading. */
export function deadlineExceeded(timeoutMs: number, sent: boolean): BridgeError {
  const limit = durationText(timeoutMs);
  const message = sent
    ? `The tool did not finish within ${limit}.`
    : `The call could not be sent to Dify within ${limit}.`;
  const waited = 'Other calls had not finished, or uploading a file took too long; call again later.';
  const hint = sent ? MAY_STILL_RUN : `${NOT_STARTED} ${waited}`;
  return new BridgeError('deadline_exceeded', message, { hint });
}

/** Returns the error for a call that is refused for a while, with the seconds to wait. */
export function refusedFor(waitMs: number, code: ErrorCode, message: string): BridgeError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  const hint = `Nothing was sent to Dify. Wait ${retryAfterSeconds} s, then call again.`;
  return new BridgeError(code, message, { hint, retryAfterSeconds });
}

export function shuttingDown(sent: boolean): BridgeError {
  const message = sent ? 'The bridge is stopping and ended the call.' : 'The bridge is stopping.';
  const hint = sent ? MAY_STILL_RUN : `${NOT_STARTED} Call again after the bridge has restarted.`;
  return new BridgeError('shutting_down', message, { hint });
}

/** Returns whether a failure suggests that Dify's tools are not as they were listed. */
export function isStale({ code, upstream }: BridgeError, { authorized }: PublishedTool): boolean {
  if (code === 'provider_unauthorized') return authorized;
  // Most releases of Dify answer with an internal error if a plugin was removed.
  return code === 'tool_gone' || upstream?.status === 500;
}

const RELAY = 'Do not retry; tell the user';
const RELAY_TO_OPERATOR = `${RELAY} what the operator of the bridge must do`;
const RELAY_LATER = 'Do not retry at once; tell the user';

/** What a model can do about errors whose hints are for people who run the bridge or Dify. */
const FOR_OTHERS: Partial<Record<ErrorCode, string>> = {
  upstream_unauthorized: RELAY_TO_OPERATOR,
  upstream_wrong_address: RELAY_TO_OPERATOR,
  upstream_not_ready: RELAY,
  upstream_forbidden: RELAY,
  upstream_quota_exceeded: RELAY,
  app_missing: RELAY_TO_OPERATOR,
  upstream_unreachable: RELAY_LATER,
  upstream_error: RELAY_LATER,
};
/** How a hint begins that tells a person to look at the bridge or Dify. */
const IMPERATIVE = /^(?:Set|Check|Give|See|Open|Use|Likely|Delete|Running|DIFY_)/;

/** Returns the error of a failed call as its model should read it: with the person to inform. */
export function explainFailure(thrown: unknown): BridgeError {
  const error = asBridgeError(thrown);
  const { code, message, hint = '', upstream } = error;
  const advice = FOR_OTHERS[code];
  if (advice === undefined || !IMPERATIVE.test(hint)) return error;
  return new BridgeError(code, message, { hint: `${advice}: ${hint}`, upstream, cause: error });
}

/** Returns the error as the operator should read it if all calls fail until the operator acts, otherwise undefined. */
export function errorForOperator(explained: BridgeError): BridgeError | undefined {
  const { code, cause } = explained;
  if (FOR_OTHERS[code] !== RELAY_TO_OPERATOR) return undefined;
  return cause instanceof BridgeError ? cause : explained;
}
