import { cutText } from '../../model/cut-text.ts';
import { BridgeError, type BridgeErrorOptions, type ErrorCode } from '../../model/errors.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import type { DifyAnswer } from './http.ts';
import { plainWords } from './plain-words.ts';

const MAX_READ = 64 * 1024;
const MAX_QUOTE = 1000;
const ADDRESS_HINT =
  "Set DIFY_API_URL to Dify's api service itself, e.g. http://api:5001: nginx and the web app do not pass the inner API on.";
const NOT_READY = new Set(['not_setup', 'not_init_validated']);
const GATEWAY_STATUSES = new Set([502, 503]);

/** True when the answer declares itself a web page. */
export function isWebPage(answer: DifyAnswer): boolean {
  return header(answer, 'content-type')?.toLowerCase().includes('html') === true;
}

/** The error of a web page where the API should be. */
export function webPageFault(answer?: DifyAnswer): BridgeError {
  const path = answer === undefined ? 'the invocation' : answer.path;
  return new BridgeError(
    'upstream_wrong_address',
    `The answer to ${path} is a web page instead of Dify's API.`,
    {
      hint: ADDRESS_HINT,
      ...upstreamOf(answer),
    },
  );
}

/**
 * The error that an answer of the inner API stands for, when it is not the expected one. Judged by status, content
 * type and Dify's `code`; Dify's texts vary by version and are only quoted. Reads the body.
 */
export async function faultFromAnswer(answer: DifyAnswer): Promise<BridgeError> {
  const text = await answer.text(MAX_READ);
  const body = parseObject(text);
  const { status, path } = answer;
  const fault = (code: ErrorCode, message: string, hint?: string): BridgeError =>
    new BridgeError(code, message, { ...upstreamOf(answer), ...(hint !== undefined && { hint }) });

  if (status >= 300 && status < 400) return redirectFault(answer);
  if (GATEWAY_STATUSES.has(status)) {
    const message = `A proxy before Dify answered ${path} with status ${status}: Dify's api service is not there.`;
    return fault('upstream_unreachable', message, 'Check that the api service runs, then call again.');
  }
  if (status === 504) {
    const message = `A proxy before Dify waits no longer for the answer to ${path} (it answered with status 504).`;
    return fault(
      'upstream_unreachable',
      message,
      'It may still run in Dify: check there before calling again. Raise the time limit of the proxy, or let DIFY_API_URL lead to the api service itself.',
    );
  }
  if (status === 429) return rateLimitFault(answer);
  if (status === 413) {
    const message = `The request to ${path} is larger than a server before Dify accepts (status 413).`;
    return fault(
      'upstream_rejected',
      message,
      'Send less, or let DIFY_API_URL lead to the api service itself.',
    );
  }
  if (body === undefined) return fromForeignBody(answer, text, fault);

  const code = typeof body['code'] === 'string' ? body['code'] : '';
  const said = quote(body);
  if (NOT_READY.has(code)) {
    const hint = 'Open Dify in the browser and finish its installation.';
    return fault('upstream_not_ready', 'Dify is not set up yet.', hint);
  }
  if (status === 404 && code === 'not_found') {
    return fault(
      'upstream_unauthorized',
      'Dify does not accept the inner API key: it answers as if the route did not exist.',
      "DIFY_INNER_API_KEY must be the api service's INNER_API_KEY_FOR_PLUGIN (PLUGIN_DIFY_INNER_API_KEY in Dify's .env).",
    );
  }
  if ((status === 401 || status === 403) && answer.version === undefined) return refusedBefore(answer, fault);
  if (status === 401 || status === 403) {
    const message = `Dify refused access to ${path} (status ${status}).${said}`;
    return fault('upstream_unauthorized', message, 'Check DIFY_INNER_API_KEY and DIFY_WORKSPACE_ID.');
  }
  if (status === 400) {
    return fault(
      'upstream_rejected',
      `Dify refused the call before running the tool.${said}`,
      "Check the arguments, the credentials of the provider in Dify, and that the tool still exists. If Dify speaks of its plugin daemon, that service is down: start Dify's plugin_daemon.",
    );
  }
  if (status === 500) {
    return fault(
      'upstream_error',
      `Dify failed with an internal error (status 500).${said}`,
      "Likely causes: the tool's plugin is no longer installed, the provider was deleted, or an api or workflow provider is named by something else than its id. Refresh the list of tools; the log of Dify's api service has the cause.",
    );
  }
  return fault('upstream_error', `Dify answered ${path} with an unexpected status ${status}.${said}`);
}

type MakeFault = (code: ErrorCode, message: string, hint?: string) => BridgeError;

/** Dify's handlers answer JSON; the rest is its router, a proxy or another server. */
function fromForeignBody(answer: DifyAnswer, text: string, fault: MakeFault): BridgeError {
  const { status, path, version } = answer;
  const isPage = isWebPage(answer) || text.trimStart().startsWith('<');
  if (status === 404 && (version !== undefined || !isPage)) {
    const server = version === undefined ? 'The server at DIFY_API_URL' : `Dify ${version}`;
    return fault('upstream_wrong_address', `${server} does not know the path ${path}.`, ADDRESS_HINT);
  }
  if (isPage && (version === undefined || status === 200)) return webPageFault(answer);
  if (status === 401 || status === 403) return refusedBefore(answer, fault);
  const message = `Dify answered ${path} with status ${status} and a body that is not JSON.`;
  return fault('upstream_error', message, "The log of Dify's api service may have the cause.");
}

/** Dify marks every answer with its version. */
function refusedBefore({ status, path }: DifyAnswer, fault: MakeFault): BridgeError {
  const message = `Access to ${path} was refused (status ${status}), by a server before Dify.`;
  return fault('upstream_unauthorized', message, ADDRESS_HINT);
}

function redirectFault(answer: DifyAnswer): BridgeError {
  const location = header(answer, 'location') ?? '';
  const target = URL.canParse(location) ? `to ${new URL(location).origin}` : 'to another path';
  return new BridgeError(
    'upstream_wrong_address',
    `The server at DIFY_API_URL redirects ${answer.path} ${target} (status ${answer.status}).`,
    { hint: ADDRESS_HINT, ...upstreamOf(answer) },
  );
}

function rateLimitFault(answer: DifyAnswer): BridgeError {
  const retryAfter = header(answer, 'retry-after') ?? '';
  const seconds = /^\d+$/.test(retryAfter)
    ? Number(retryAfter)
    : Math.ceil((Date.parse(retryAfter) - Date.now()) / 1000);
  const wait = Number.isFinite(seconds) && seconds > 0 ? `${seconds} s` : 'a while';
  return new BridgeError('upstream_rate_limited', 'Dify, or a proxy before it, asks for fewer requests.', {
    hint: `Wait ${wait} before the next call.`,
    ...upstreamOf(answer),
  });
}

/** Dify's words as a sentence that says whose they are; empty without any. */
function quote(body: JsonObject): string {
  const message = body['message'];
  const words = typeof message === 'string' ? plainWords(message) : '';
  return words === '' ? '' : ` Dify said: ${cutText(words, MAX_QUOTE)}`;
}

/** One header as a text; undefined when it is missing. */
export function header(answer: DifyAnswer, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

function upstreamOf(answer: DifyAnswer | undefined): Pick<BridgeErrorOptions, 'upstream'> {
  return answer === undefined ? {} : { upstream: { status: answer.status, path: answer.path } };
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
