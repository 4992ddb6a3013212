import { getCookie } from 'hono/cookie';
import { internalError, unauthorized } from './refusal.ts';
import type { AppContext, SandboxState } from './state.ts';
import { isUuid } from './workspace.ts';

/**
 * Throws unless a member of the workspace sent the request: with admin key and workspace header, or with
 * the tokens of a login.
 */
export function requireMember(c: AppContext, state: SandboxState): void {
  const bearer = bearerToken(c);
  if (bearer !== undefined && bearer === state.credentials.adminApiKey) {
    requireWorkspaceHeader(c, state);
    return;
  }
  const cookie = state.features.cookieSessions ? getCookie(c, cookieName('access_token', state)) : undefined;
  const token = cookie ?? bearer;
  if (token === undefined || token === '') throw unauthorized('Invalid Authorization token.');
  const tokenState = state.sessions.check(token, 'access');
  if (tokenState === 'invalid') throw unauthorized('Invalid token.');
  if (tokenState === 'expired') throw unauthorized('Token has expired.');
  if (state.features.cookieSessions) requireCsrfToken(c, state);
  if (state.signIn.isBanned) throw unauthorized('Account is banned.');
  // Dify has no workspace in whose name the account could ask.
  if (state.account.memberships.current === undefined) throw unauthorized('Invalid token.');
}

/** Returns whether a member of the workspace sent the request. */
export function isMember(c: AppContext, state: SandboxState): boolean {
  try {
    requireMember(c, state);
    return true;
  } catch {
    return false;
  }
}

/** Throws unless the request carries the admin key; it need not name a workspace. */
export function requireAdminKey(c: AppContext, state: SandboxState): void {
  const bearer = bearerToken(c);
  if (bearer === undefined) throw unauthorized('Authorization header is missing.');
  if (bearer !== state.credentials.adminApiKey) throw unauthorized('API key is invalid.');
}

/** Returns the name of a token's cookie. */
export function cookieName(token: string, state: SandboxState): string {
  return state.secureCookies ? `__Host-${token}` : token;
}

function requireWorkspaceHeader(c: AppContext, state: SandboxState): void {
  const workspaceId = c.req.header('x-workspace-id');
  if (workspaceId === undefined || workspaceId === '') throw unauthorized('Invalid token.');
  if (!isUuid(workspaceId)) throw internalError();
  if (workspaceId !== state.workspace.id) throw unauthorized('Invalid token.');
}

/** Throws unless header and cookie carry the same token, even for reading. */
function requireCsrfToken(c: AppContext, state: SandboxState): void {
  const header = c.req.header('x-csrf-token');
  const cookie = getCookie(c, cookieName('csrf_token', state));
  const isGood =
    header !== undefined && header === cookie && state.sessions.check(header, 'csrf') === 'valid';
  if (!isGood) throw unauthorized('CSRF token is missing or invalid.');
}

function bearerToken(c: AppContext): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
}
