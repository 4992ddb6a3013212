import { durationText } from '../model/duration.ts';
import { asBridgeError, BridgeError } from '../model/errors.ts';
import type { PublishedTool } from '../model/registry.ts';

const NOT_STARTED = 'The tool was not started.';
const MAY_STILL_RUN = 'Dify may still be running it: check there before calling again.';

/** The caller gave up. `sent`: the invocation had been sent to Dify. */
export function cancelled(sent: boolean): BridgeError {
  const closed = 'The request to Dify was closed; a workflow goes on there until it ends.';
  return new BridgeError('cancelled', 'The call was cancelled.', { hint: sent ? closed : NOT_STARTED });
}

/** The call took longer than `timeoutMs`, waiting and uploading included. */
export function deadlineExceeded(timeoutMs: number, sent: boolean): BridgeError {
  const limit = durationText(timeoutMs);
  const message = sent
    ? `The tool did not finish within ${limit}.`
    : `The call could not be sent to Dify within ${limit}.`;
  const waited = 'Other calls had not finished, or storing a file took too long; call again later.';
  const hint = sent ? MAY_STILL_RUN : `${NOT_STARTED} ${waited}`;
  return new BridgeError('deadline_exceeded', message, { hint });
}

export function shuttingDown(sent: boolean): BridgeError {
  const message = sent ? 'The bridge is stopping and ended the call.' : 'The bridge is stopping.';
  const hint = sent ? MAY_STILL_RUN : `${NOT_STARTED} Call again when the bridge runs again.`;
  return new BridgeError('shutting_down', message, { hint });
}

/** What a failed invocation means for the caller; other errors pass unchanged. */
export function explainFailure(error: unknown, tool: PublishedTool): BridgeError {
  const failure = asBridgeError(error);
  const refused = failure.code === 'upstream_rejected' && (failure.upstream?.status ?? 400) === 400;
  if (!refused || tool.authorized) return failure;
  const label = JSON.stringify(tool.providerLabel);
  const message = `Dify refused the call: the provider ${label} has no credentials in this workspace.`;
  return new BridgeError('provider_unauthorized', message, {
    hint: `Somebody with access to the workspace has to authorise ${label} in Dify under Tools. Then call again.`,
    cause: failure,
    upstream: failure.upstream,
  });
}
