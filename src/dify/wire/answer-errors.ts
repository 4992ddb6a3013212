import { BridgeError, type ErrorCode } from '../../model/errors.ts';
import { type CallTarget, kindOf, knownFailure, UNKNOWN_EFFECT } from './failures.ts';
import type { DifyAnswer } from './answer.ts';
import { header, isNotReady, readReply } from './reply.ts';

const ADDRESS_HINT =
  "Set DIFY_API_URL to Dify's api service itself, e.g. http://api:5001: nginx and the web app do not pass the inner API on.";
const GATEWAY_STATUSES = new Set([502, 503]);

type MakeError = (code: ErrorCode, message: string, hint?: string) => BridgeError;

export function webPageError(answer?: DifyAnswer): BridgeError {
  const path = answer === undefined ? 'the invocation' : answer.path;
  const upstream = answer && { status: answer.status, path };
  const message = `The answer to ${path} is a web page instead of Dify's API.`;
  return new BridgeError('upstream_wrong_address', message, { hint: ADDRESS_HINT, upstream });
}

/**
 * Returns the error for an unexpected answer, judged by status, type and `code`. Dify's texts vary by version: the
 * known ones only refine the refusal of a call, for which `target` is its tool.
 */
export async function errorFromAnswer(answer: DifyAnswer, target?: CallTarget): Promise<BridgeError> {
  const reply = await readReply(answer);
  const { status, path } = answer;
  const error: MakeError = (code, message, hint) =>
    new BridgeError(code, message, { hint, upstream: { status, path } });

  if (status >= 300 && status < 400) return redirectError(answer, error);
  if (GATEWAY_STATUSES.has(status)) {
    const message = `A proxy in front of Dify answered ${path} with status ${status}: it cannot reach Dify's api service.`;
    // A proxy answers 502 also if the api service ended during the call.
    const effect = status === 502 && target !== undefined ? ` ${UNKNOWN_EFFECT}` : '';
    return error('upstream_unreachable', message, `Check that the api service is running.${effect}`);
  }
  if (status === 504) {
    const message = `A proxy in front of Dify stopped waiting for the answer to ${path} (status 504).`;
    const hint =
      'The call may still be running in Dify: check there before calling again. Tell the user that the operator of ' +
      'the bridge can raise the time limit of the proxy, or set DIFY_API_URL to the api service itself.';
    return error('upstream_unreachable', message, hint);
  }
  if (status === 429) return rateLimitError(answer, error);
  if (status === 413) {
    const message = `The request to ${path} is larger than a server in front of Dify accepts (status 413).`;
    return error(
      'upstream_rejected',
      message,
      'Send less, or tell the user that the operator of the bridge can set DIFY_API_URL to the api service itself.',
    );
  }
  if (reply.body === undefined) return foreignBodyError(answer, reply.isPage, error);
  if (isNotReady(reply)) {
    const hint = 'Open Dify in the browser and finish its installation.';
    return error('upstream_not_ready', 'Dify is not set up yet.', hint);
  }
  const known =
    target && reply.said !== undefined
      ? knownFailure(reply.message, reply.said, target, { status, path })
      : undefined;
  if (known !== undefined) return known;
  if (status === 404 && reply.code === 'not_found') {
    const message = 'Dify does not accept the inner API key: it answers as if the route did not exist.';
    const hint =
      "DIFY_INNER_API_KEY must be the api service's INNER_API_KEY_FOR_PLUGIN (PLUGIN_DIFY_INNER_API_KEY in " +
      "Dify's .env). Restart a running bridge after you change it.";
    return error('upstream_unauthorized', message, hint);
  }
  const said = reply.said === undefined ? '' : ` Dify said: ${reply.said}`;
  if ((status === 401 || status === 403) && answer.version === undefined) return proxyError(answer, error);
  if (status === 401 || status === 403) {
    const message = `Dify refused access to ${path} (status ${status}).${said}`;
    return error('upstream_unauthorized', message, 'Check DIFY_INNER_API_KEY and DIFY_WORKSPACE_ID.');
  }
  if (status === 400) {
    const hint =
      'Check the arguments. If they are right, tell the user to check the settings of the tool and its provider in Dify.';
    return error('upstream_rejected', `Dify refused the call before running the tool.${said}`, hint);
  }
  if (status === 500) {
    const hint = `${internalErrorCause(target)}See the log of Dify's api service for the cause.`;
    return error('upstream_error', `Dify failed with an internal error (status 500).${said}`, hint);
  }
  return error('upstream_error', `Dify answered ${path} with an unexpected status ${status}.${said}`);
}

/** Returns what usually makes Dify fail without a reason: it does so before it runs the tool. */
function internalErrorCause(target: CallTarget | undefined): string {
  const kind = target && kindOf(target);
  if (kind === 'plugin') {
    return "Likely causes: the tool's plugin is no longer installed, or Dify's plugin daemon is not ready. ";
  }
  const hasUuid = kind === 'api' || kind === 'workflow';
  return hasUuid
    ? 'Likely cause: the tool is from a manifest that does not name its provider by its ID. '
    : '';
}

/** Returns the error for a body that is not JSON: it comes from Dify's router, a proxy or another server. */
function foreignBodyError(answer: DifyAnswer, isPage: boolean, error: MakeError): BridgeError {
  const { status, path, version } = answer;
  if (status === 404 && (version !== undefined || !isPage)) {
    const server = version === undefined ? 'The server at DIFY_API_URL' : `Dify ${version}`;
    return error('upstream_wrong_address', `${server} does not know the path ${path}.`, ADDRESS_HINT);
  }
  if (isPage && (version === undefined || status === 200)) return webPageError(answer);
  if (status === 401 || status === 403) return proxyError(answer, error);
  const message = `Dify answered ${path} with status ${status} and a body that is not JSON.`;
  return error('upstream_error', message, "See the log of Dify's api service for the cause.");
}

/** Returns the error for a refusal without X-Version, which Dify puts on every answer. */
function proxyError({ status, path }: DifyAnswer, error: MakeError): BridgeError {
  const message = `A server in front of Dify refused access to ${path} (status ${status}).`;
  return error('upstream_unauthorized', message, ADDRESS_HINT);
}

function redirectError(answer: DifyAnswer, error: MakeError): BridgeError {
  const location = header(answer, 'location') ?? '';
  const target = URL.canParse(location) ? `to ${new URL(location).origin}` : 'to another path';
  const message = `The server at DIFY_API_URL redirects ${answer.path} ${target} (status ${answer.status}).`;
  return error('upstream_wrong_address', message, ADDRESS_HINT);
}

/** Returns the error for a 429, with the seconds to wait if the answer has them. */
export function rateLimitError(answer: DifyAnswer, error: MakeError): BridgeError {
  const retryAfter = header(answer, 'retry-after') ?? '';
  const seconds = /^\d+$/.test(retryAfter)
    ? Number(retryAfter)
    : Math.ceil((Date.parse(retryAfter) - Date.now()) / 1000);
  const wait = Number.isFinite(seconds) && seconds > 0 ? `${seconds} s` : 'a while';
  const message = 'Dify, or a proxy in front of it, received too many requests.';
  return error('upstream_rate_limited', message, `Wait ${wait} before the next call.`);
}
