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

/**
 * Returns true if Dify's router, or a server in front of it, does not know the route: a handler's own 404
 * is JSON.
 */
export function isUnknownRoute(reply: DifyReply): boolean {
  return reply.status === 404 && reply.body === undefined;
}

/** Returns the error for a refused request that carried the admin key. */
export function adminKeyError(reply: DifyReply, workspaceId: string): BridgeError {
  const general = generalError(reply);
  if (general !== undefined) return general;
  if (reply.status === 401) {
    return errorOf(
      reply,
      'upstream_unauthorized',
      'Dify does not accept the admin key for this workspace.',
      'Check that DIFY_ADMIN_API_KEY equals ADMIN_API_KEY of the Dify api service, that ADMIN_API_KEY_ENABLE ' +
        'is true there, and that DIFY_WORKSPACE_ID is a workspace of this Dify.',
    );
  }
  // Dify looks up the workspace first and fails if its database cannot parse the id.
  if (reply.status >= 500 && !isUuid(workspaceId)) {
    return errorOf(
      reply,
      'upstream_unauthorized',
      'DIFY_WORKSPACE_ID is not the id of a workspace.',
      'Set DIFY_WORKSPACE_ID to the UUID of the workspace.',
    );
  }
  return remainingError(reply);
}

/** Returns the error for a refused request that carried the tokens of a login. */
export function sessionError(reply: DifyReply): BridgeError {
  const general = generalError(reply);
  if (general !== undefined) return general;
  if (reply.status === 401) {
    return errorOf(
      reply,
      'upstream_unauthorized',
      'Dify does not accept the session of DIFY_EMAIL.',
      'The login itself succeeded. Check that the account is active and that nothing between the bridge and ' +
        'Dify removes cookies or the X-CSRF-Token header.',
    );
  }
  return remainingError(reply);
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
  const { message, hint } = loginErrorText(reply, passwordForm);
  return { error: errorOf(reply, 'upstream_unauthorized', message, `${hint} ${RESTART}`), final: true };
}

function loginErrorText(reply: DifyReply, passwordForm: string): { message: string; hint: string } {
  const byAdminKey = 'or use DIFY_ADMIN_API_KEY instead of a login.';
  if (reply.status === 403) {
    return {
      message: `Dify does not allow login by password.${quote(reply)}`,
      hint: `Enable password login in Dify, ${byAdminKey}`,
    };
  }
  if (reply.code === 'account_banned') {
    return {
      message: 'Dify has banned the account DIFY_EMAIL.',
      hint: `Use another account, ${byAdminKey}`,
    };
  }
  if (reply.status === 200) {
    return {
      message: `Dify refused the login of DIFY_EMAIL.${quote(reply)}`,
      hint: `Check that the account is a member of a workspace, ${byAdminKey}`,
    };
  }
  return {
    message: `Dify does not accept DIFY_EMAIL/DIFY_PASSWORD.${quote(reply)}`,
    hint: `Correct both (${passwordForm}), ${byAdminKey}`,
  };
}

/**
 * Returns the error for causes other than the credentials: wrong address, Dify down, unfinished
 * installation, rate limit.
 */
function generalError(reply: DifyReply): BridgeError | undefined {
  const { status, body, path } = reply;
  if (isNotReady(reply)) {
    return errorOf(
      reply,
      'upstream_not_ready',
      'Dify is not set up yet.',
      'Open Dify in a browser and finish its installation.',
    );
  }
  if (status === 429) {
    return errorOf(
      reply,
      'upstream_rate_limited',
      `The bridge sent Dify too many requests.${quote(reply)}`,
      'Wait before the next attempt.',
    );
  }
  if (body !== undefined) return undefined;
  if (GATEWAY_STATUSES.has(status)) {
    return errorOf(
      reply,
      'upstream_unreachable',
      `The proxy in front of Dify answers ${status}: Dify is down.`,
      "Check that Dify's api service is running.",
    );
  }
  if (status >= 500) return undefined;
  const what =
    status >= 300 && status < 400
      ? `a redirect (${status})`
      : `something other than Dify's console API (${status})`;
  return errorOf(
    reply,
    'upstream_wrong_address',
    `DIFY_API_URL answers ${path} with ${what}.`,
    "Set DIFY_API_URL to the base address of Dify's api service, without a path, such as http://api:5001; " +
      'nginx and the web app answer with web pages.',
  );
}

function remainingError(reply: DifyReply): BridgeError {
  const { status, path } = reply;
  if (status >= 500) {
    return errorOf(
      reply,
      'upstream_error',
      `Dify failed on ${path} (${status}).${quote(reply)}`,
      "See the log of Dify's api service for the cause.",
    );
  }
  if (status === 403) {
    return errorOf(
      reply,
      'upstream_unauthorized',
      `Dify does not allow ${path}.${quote(reply)}`,
      "Give the account permission to see the workspace's tools, or use DIFY_ADMIN_API_KEY.",
    );
  }
  return errorOf(
    reply,
    'upstream_rejected',
    `Dify refused ${path} (${status}).${quote(reply)}`,
    "See the log of Dify's api service; a plugin daemon that is down is a frequent cause.",
  );
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
