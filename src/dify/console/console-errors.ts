import { cutText } from '../../model/cut-text.ts';
import { BridgeError, type ErrorCode } from '../../model/errors.ts';
import { type DifyReply, isNotReady } from '../wire/reply.ts';

/** A refused login. `final` is true if Dify judged the credentials: the same attempt would fail again. */
export interface LoginFailure {
  readonly error: BridgeError;
  readonly final: boolean;
}

const MAX_SAID = 300;
const GATEWAY_STATUSES = new Set([502, 503, 504]);
const RESTART =
  'A running bridge does not send them again until it is restarted: six failures lock the account for a day.';

/** Returns true if Dify's router, or a server in front of it, does not know the route: a handler's own 404 is JSON. */
export function isUnknownRoute(reply: DifyReply): boolean {
  return reply.status === 404 && reply.body === undefined;
}

/** Returns the error for a refused request that carried the admin key. */
export function adminKeyError(reply: DifyReply, workspaceId: string): BridgeError {
  const general = generalError(reply);
  if (general !== undefined) return general;
  if (reply.status === 401) {
    const message = 'Dify does not accept the admin key for this workspace.';
    const hint =
      'Check that DIFY_ADMIN_API_KEY equals ADMIN_API_KEY of the Dify api service, that ADMIN_API_KEY_ENABLE ' +
      'is true there, and that DIFY_WORKSPACE_ID is a workspace of this Dify. Restart a running bridge after you ' +
      'change its settings.';
    return errorOf(reply, 'upstream_unauthorized', message, hint);
  }
  // Dify looks up the workspace first and fails if its database cannot parse the id.
  if (reply.status >= 500 && !isUuid(workspaceId)) {
    const hint = 'Set DIFY_WORKSPACE_ID to the UUID of the workspace.';
    return errorOf(reply, 'upstream_unauthorized', 'DIFY_WORKSPACE_ID is not the id of a workspace.', hint);
  }
  return remainingError(reply);
}

/** Returns the error for a refused request that carried the tokens of a login. */
export function sessionError(reply: DifyReply): BridgeError {
  const general = generalError(reply);
  if (general !== undefined) return general;
  if (reply.status !== 401) return remainingError(reply);
  const hint =
    'The login itself succeeded. Check that the account is active and that nothing between the bridge and ' +
    'Dify removes cookies or the X-CSRF-Token header.';
  return errorOf(reply, 'upstream_unauthorized', 'Dify does not accept the session of DIFY_EMAIL.', hint);
}

/** Returns the error for a refused login, and for a 200 whose `result` is `fail`. */
export function loginFailure(reply: DifyReply, passwordForm: string): LoginFailure {
  const general = generalError(reply);
  if (reply.code === 'email_code_login_limit') {
    const message = 'Dify has locked the login of DIFY_EMAIL for a day after too many failed attempts.';
    const hint =
      'Wait a day, or use DIFY_ADMIN_API_KEY. Correct DIFY_EMAIL and DIFY_PASSWORD before restarting the bridge.';
    return { error: errorOf(reply, 'upstream_rate_limited', message, hint), final: true };
  }
  if (general !== undefined) return { error: general, final: false };
  if (reply.status >= 500) return { error: remainingError(reply), final: false };
  const [message, remedy] = loginErrorText(reply, passwordForm);
  const hint = `${remedy}, or use DIFY_ADMIN_API_KEY instead of a login. ${RESTART}`;
  return { error: errorOf(reply, 'upstream_unauthorized', message, hint), final: true };
}

function loginErrorText(reply: DifyReply, passwordForm: string): readonly [message: string, remedy: string] {
  if (reply.status === 403) {
    return [`Dify does not allow login by password.${quote(reply)}`, 'Enable password login in Dify'];
  }
  if (reply.code === 'account_banned') {
    return ['Dify has banned the account DIFY_EMAIL.', 'Use another account'];
  }
  if (reply.status === 200) {
    const remedy = 'Check that the account is a member of a workspace';
    return [`Dify refused the login of DIFY_EMAIL.${quote(reply)}`, remedy];
  }
  return [`Dify does not accept DIFY_EMAIL/DIFY_PASSWORD.${quote(reply)}`, `Correct both (${passwordForm})`];
}

/** Returns the error if the cause is not the credentials but the address, Dify's state or a rate limit. */
function generalError(reply: DifyReply): BridgeError | undefined {
  const { status, body, path } = reply;
  if (isNotReady(reply)) {
    const hint = 'Open Dify in a browser and finish its installation.';
    return errorOf(reply, 'upstream_not_ready', 'Dify is not set up yet.', hint);
  }
  if (status === 429) {
    const message = `The bridge sent Dify too many requests.${quote(reply)}`;
    return errorOf(reply, 'upstream_rate_limited', message, 'Wait before the next attempt.');
  }
  if (body !== undefined) return undefined;
  if (GATEWAY_STATUSES.has(status)) {
    const message = `The proxy in front of Dify answers ${status}: Dify is down.`;
    return errorOf(reply, 'upstream_unreachable', message, "Check that Dify's api service is running.");
  }
  if (status >= 500) return undefined;
  const isRedirect = status >= 300 && status < 400;
  const what = isRedirect ? `a redirect (${status})` : `something other than Dify's console API (${status})`;
  const hint =
    "Set DIFY_API_URL to the base address of Dify's api service, without a path, such as http://api:5001; " +
    'nginx and the web app answer with web pages.';
  return errorOf(reply, 'upstream_wrong_address', `DIFY_API_URL answers ${path} with ${what}.`, hint);
}

function remainingError(reply: DifyReply): BridgeError {
  const { status, path } = reply;
  if (status >= 500) {
    const hint = "See the log of Dify's api service for the cause.";
    return errorOf(reply, 'upstream_error', `Dify failed on ${path} (${status}).${quote(reply)}`, hint);
  }
  if (status === 403) {
    const hint = "Give the account permission to see the workspace's tools, or use DIFY_ADMIN_API_KEY.";
    return errorOf(reply, 'upstream_unauthorized', `Dify does not allow ${path}.${quote(reply)}`, hint);
  }
  const hint = "See the log of Dify's api service; a plugin daemon that is down is a frequent cause.";
  return errorOf(reply, 'upstream_rejected', `Dify refused ${path} (${status}).${quote(reply)}`, hint);
}

function errorOf({ status, path }: DifyReply, code: ErrorCode, message: string, hint: string): BridgeError {
  return new BridgeError(code, message, { hint, upstream: { status, path } });
}

function quote({ said }: DifyReply): string {
  return said === undefined ? '' : ` Dify said: "${cutText(said, MAX_SAID)}"`;
}

function isUuid(value: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}
