import { BridgeError, type BridgeErrorOptions, type ErrorCode } from '../../model/errors.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import type { DifyAnswer } from '../wire/http.ts';
import { plainWords } from '../wire/plain-words.ts';

/** A short answer of the console API, read once: of the login, or a refusal. */
export interface ConsoleReply {
  readonly status: number;
  readonly path: string;
  /** Undefined for web pages and whatever else is no JSON object: not Dify's handlers, but a router or a proxy. */
  readonly body: JsonObject | undefined;
  /** Dify's error code; texts vary by version and decide nothing. */
  readonly code: string | undefined;
  /** Dify's own words, shortened. */
  readonly said: string | undefined;
}

/** The error of a refused login. `final` when Dify judged the credentials: the same attempt would fail again. */
export interface LoginFault {
  readonly error: BridgeError;
  readonly final: boolean;
}

const MAX_BODY_BYTES = 64 * 1024;
const MAX_SAID = 300;
const NOT_READY = new Set(['not_setup', 'not_init_validated']);
const GATEWAY_STATUSES = new Set([502, 503, 504]);
const RESTART =
  'A running bridge does not send them again until it is restarted: six failures lock the account for a day.';

/** Reads the whole of a short answer. */
export async function readReply(answer: DifyAnswer): Promise<ConsoleReply> {
  const body = parseJson(await answer.text(MAX_BODY_BYTES));
  const { status, path } = answer;
  if (!isJsonObject(body)) return { status, path, body: undefined, code: undefined, said: undefined };
  const code = body['code'];
  // A refused login or refresh of some versions has `data` or `message` and no code.
  const said = body['message'] ?? body['data'];
  return {
    status,
    path,
    body,
    code: typeof code === 'string' ? code : undefined,
    said: typeof said === 'string' ? plainWords(said).slice(0, MAX_SAID) : undefined,
  };
}

/** True when Dify's router, or a server before it, does not know the route: a handler's own 404 is JSON. */
export function isUnknownRoute(refusal: ConsoleReply): boolean {
  return refusal.status === 404 && refusal.body === undefined;
}

/** True when the answer says that Dify's installation was not finished. */
export function isNotReady(refusal: ConsoleReply): boolean {
  return refusal.code !== undefined && NOT_READY.has(refusal.code);
}

/** The error of a refused request that carried the admin key. */
export function adminFault(refusal: ConsoleReply, workspaceId: string): BridgeError {
  const general = generalFault(refusal);
  if (general !== undefined) return general;
  if (refusal.status === 401) {
    return fault(refusal, 'upstream_unauthorized', 'Dify does not accept the admin key for this workspace.', {
      hint:
        'Check that DIFY_ADMIN_API_KEY equals ADMIN_API_KEY of the Dify api service, that ADMIN_API_KEY_ENABLE ' +
        'is true there, and that DIFY_WORKSPACE_ID is a workspace of this Dify.',
    });
  }
  // Dify looks the workspace up before anything else and trips over an id that its database cannot read.
  if (refusal.status >= 500 && !isUuid(workspaceId)) {
    return fault(refusal, 'upstream_unauthorized', 'DIFY_WORKSPACE_ID is not the id of a workspace.', {
      hint: 'Set DIFY_WORKSPACE_ID to the UUID of the workspace.',
    });
  }
  return remainingFault(refusal);
}

/** The error of a refused request that carried the tokens of a login. */
export function sessionFault(refusal: ConsoleReply): BridgeError {
  const general = generalFault(refusal);
  if (general !== undefined) return general;
  if (refusal.status === 401) {
    return fault(refusal, 'upstream_unauthorized', 'Dify does not accept the session of DIFY_EMAIL.', {
      hint:
        'The login itself succeeded. Check that the account is active and that nothing between the bridge and ' +
        'Dify removes cookies or the X-CSRF-Token header.',
    });
  }
  return remainingFault(refusal);
}

/** The error of a refused login; also of a 200 whose `result` is `fail`. */
export function loginFault(refusal: ConsoleReply, passwordForm: string): LoginFault {
  const general = generalFault(refusal);
  if (refusal.code === 'email_code_login_limit') {
    const message = 'Dify has locked the login of DIFY_EMAIL for a day after too many failed attempts.';
    const hint =
      'Wait a day, or use DIFY_ADMIN_API_KEY. Correct DIFY_EMAIL and DIFY_PASSWORD before restarting the bridge.';
    return { error: fault(refusal, 'upstream_rate_limited', message, { hint }), final: true };
  }
  if (general !== undefined) return { error: general, final: false };
  if (refusal.status >= 500) return { error: remainingFault(refusal), final: false };
  const { message, hint } = loginRefusal(refusal, passwordForm);
  const options = { hint: `${hint} ${RESTART}` };
  return { error: fault(refusal, 'upstream_unauthorized', message, options), final: true };
}

function loginRefusal(refusal: ConsoleReply, passwordForm: string): { message: string; hint: string } {
  const byAdminKey = 'or use DIFY_ADMIN_API_KEY instead of a login.';
  if (refusal.status === 403) {
    return {
      message: `Dify does not allow the login by password.${quote(refusal)}`,
      hint: `Switch password login on in Dify, ${byAdminKey}`,
    };
  }
  if (refusal.code === 'account_banned') {
    return {
      message: 'Dify has banned the account DIFY_EMAIL.',
      hint: `Use another account, ${byAdminKey}`,
    };
  }
  if (refusal.status === 200) {
    return {
      message: `Dify refused the login of DIFY_EMAIL.${quote(refusal)}`,
      hint: `Check that the account is a member of a workspace, ${byAdminKey}`,
    };
  }
  return {
    message: `Dify does not accept DIFY_EMAIL/DIFY_PASSWORD.${quote(refusal)}`,
    hint: `Correct both (${passwordForm}), ${byAdminKey}`,
  };
}

/** What holds whoever asks: the wrong address, a dead Dify, an unfinished installation, too many requests. */
function generalFault(refusal: ConsoleReply): BridgeError | undefined {
  const { status, body, path } = refusal;
  if (isNotReady(refusal)) {
    return fault(refusal, 'upstream_not_ready', 'Dify is not set up yet.', {
      hint: 'Open Dify in a browser and finish its installation.',
    });
  }
  if (status === 429) {
    return fault(refusal, 'upstream_rate_limited', `Too many requests for Dify.${quote(refusal)}`, {
      hint: 'Wait before the next attempt.',
    });
  }
  if (body !== undefined) return undefined;
  if (GATEWAY_STATUSES.has(status)) {
    return fault(refusal, 'upstream_unreachable', `The proxy before Dify answers ${status}: Dify is down.`, {
      hint: 'Check that the api service of Dify runs.',
    });
  }
  if (status >= 500) return undefined;
  const what =
    status >= 300 && status < 400
      ? `a redirect (${status})`
      : `something else than Dify's console API (${status})`;
  return fault(refusal, 'upstream_wrong_address', `DIFY_API_URL answers ${path} with ${what}.`, {
    hint:
      "Set DIFY_API_URL to the base address of Dify's api service, without a path, such as http://api:5001; " +
      'an nginx or the web app before it answers with web pages.',
  });
}

function remainingFault(refusal: ConsoleReply): BridgeError {
  const { status, path } = refusal;
  if (status >= 500) {
    return fault(refusal, 'upstream_error', `Dify failed on ${path} (${status}).${quote(refusal)}`, {
      hint: "The cause stands in the log of Dify's api service.",
    });
  }
  if (status === 403) {
    return fault(refusal, 'upstream_unauthorized', `Dify does not allow ${path}.${quote(refusal)}`, {
      hint: "Give the account the rights to see the workspace's tools, or use DIFY_ADMIN_API_KEY.",
    });
  }
  return fault(refusal, 'upstream_rejected', `Dify refused ${path} (${status}).${quote(refusal)}`, {
    hint: "See the log of Dify's api service; a plugin daemon that is down is a frequent cause.",
  });
}

function fault(
  refusal: ConsoleReply,
  code: ErrorCode,
  message: string,
  options: BridgeErrorOptions,
): BridgeError {
  return new BridgeError(code, message, {
    ...options,
    upstream: { status: refusal.status, path: refusal.path },
  });
}

function quote({ said }: ConsoleReply): string {
  return said === undefined ? '' : ` Dify said: "${said}"`;
}

function isUuid(value: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
