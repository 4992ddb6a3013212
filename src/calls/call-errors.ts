import { durationText } from '../model/duration.ts';
import { asBridgeError, BridgeError, type Problem } from '../model/errors.ts';
import type { PublishedTool } from '../model/registry.ts';

const NOT_STARTED = 'The tool was not started.';
const MAY_STILL_RUN = 'Dify may still be running it: check there before calling again.';

/** Returns the error for wrong arguments, with all their problems. */
export function invalidArguments(tool: PublishedTool, problems: readonly Problem[]): BridgeError {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return new BridgeError('invalid_arguments', `The arguments do not fit the tool ${tool.name}: ${count}.`, {
    problems,
    hint: "Nothing was sent to Dify. Correct the arguments to match the tool's input schema, and call again.",
  });
}

/** Returns the error for a cancelled call. `sent`: the invocation had been sent to Dify. */
export function cancelled(sent: boolean): BridgeError {
  const closed = 'The request to Dify was closed. A workflow keeps running in Dify until it ends.';
  return new BridgeError('cancelled', 'The call was cancelled.', { hint: sent ? closed : NOT_STARTED });
}

/** Returns the error for a call that took longer than `timeoutMs`, including waiting and uploading. */
export function deadlineExceeded(timeoutMs: number, sent: boolean): BridgeError {
  const limit = durationText(timeoutMs);
  if (sent) {
    return new BridgeError('deadline_exceeded', `The tool did not finish within ${limit}.`, {
      hint: MAY_STILL_RUN,
    });
  }
  return new BridgeError('deadline_exceeded', `The call could not be sent to Dify within ${limit}.`, {
    hint: `${NOT_STARTED} Other calls had not finished, or uploading a file took too long; call again later.`,
  });
}

/** Returns the error for a call that the stopping bridge ends or refuses. */
export function shuttingDown(sent: boolean): BridgeError {
  const message = sent ? 'The bridge is stopping and ended the call.' : 'The bridge is stopping.';
  const hint = sent ? MAY_STILL_RUN : `${NOT_STARTED} Call again after the bridge has restarted.`;
  return new BridgeError('shutting_down', message, { hint });
}

/** Returns the error of a failed invocation in terms of the caller; returns other errors unchanged. */
export function explainFailure(error: unknown, tool: PublishedTool): BridgeError {
  const failure = asBridgeError(error);
  const refused = failure.code === 'upstream_rejected' && (failure.upstream?.status ?? 400) === 400;
  if (!refused || tool.authorized) return failure;
  const label = JSON.stringify(tool.providerLabel);
  return new BridgeError(
    'provider_unauthorized',
    `Dify refused the call: the provider ${label} has no credentials in this workspace.`,
    {
      hint: `Someone with access to the workspace must authorise ${label} in Dify under Tools. Then call again.`,
      cause: failure,
      upstream: failure.upstream,
    },
  );
}
