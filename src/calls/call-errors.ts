import { durationText } from '../model/duration.ts';
import { asBridgeError, BridgeError } from '../model/errors.ts';
import type { PublishedTool } from '../model/registry.ts';

const NOT_STARTED = 'The tool was not started.';
const MAY_STILL_RUN = 'Dify may still be running it: check there before calling again.';

/** Returns the error for a cancelled call. `sent`: the invocation had been sent to Dify. */
export function cancelled(sent: boolean): BridgeError {
  const closed = 'The request to Dify was closed. A workflow keeps running in Dify until it ends.';
  return new BridgeError('cancelled', 'The call was cancelled.', { hint: sent ? closed : NOT_STARTED });
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

export function shuttingDown(sent: boolean): BridgeError {
  const message = sent ? 'The bridge is stopping and ended the call.' : 'The bridge is stopping.';
  const hint = sent ? MAY_STILL_RUN : `${NOT_STARTED} Call again after the bridge has restarted.`;
  return new BridgeError('shutting_down', message, { hint });
}

/** Returns the error of a failed invocation in terms of the caller; returns other errors unchanged. */
export function explainFailure(error: unknown, tool: PublishedTool): BridgeError {
  const failure = asBridgeError(error);
  const refused = failure.code === 'upstream_rejected' && (failure.upstream?.status ?? 400) === 400;
  return !refused || tool.authorized ? failure : withoutCredentials(tool, failure);
}

/** Returns the error for a tool whose provider has no credentials in Dify; `cause` is Dify's refusal. */
export function withoutCredentials({ providerLabel }: PublishedTool, cause?: BridgeError): BridgeError {
  const message = `${providerLabel} has no credentials in this Dify workspace, so this tool cannot run.`;
  return new BridgeError('provider_unauthorized', message, {
    hint: `Do not retry; tell the user to authorize ${providerLabel} in Dify (Tools).`,
    cause,
    upstream: cause?.upstream,
  });
}
