import { createHmac, randomBytes } from 'node:crypto';

/** Lifetime of an access token and its CSRF token, in seconds. */
export const ACCESS_SECONDS = 3_600;
/** Lifetime of a refresh token, in seconds. */
export const REFRESH_SECONDS = 2_592_000;
/** Wrong passwords before an e-mail address is locked out. */
const FAILURES_ALLOWED = 6;
/** Length of the lockout after the last failure, in milliseconds. */
const LOCKOUT_MS = 86_400_000;

/** The tokens from a login or a refresh. */
export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  readonly csrf: string;
}

/** Whether a token is valid. */
export type TokenState = 'valid' | 'expired' | 'invalid';

/** Controls the console's tokens. */
export interface SandboxSessions {
  /** How many refresh tokens are valid. */
  readonly refreshTokens: number;
  /** Makes every issued access token answer "Token has expired.". */
  expireAccessTokens(): void;
  /** Invalidates every issued refresh token. */
  expireRefreshTokens(): void;
  /** Forgets wrong passwords, which ends a lockout. */
  forgetFailures(): void;
}

/** The tokens, with what the routes need. */
export interface SessionState extends SandboxSessions {
  issue(): Tokens;
  check(token: string, kind: 'access' | 'csrf'): TokenState;
  /** Returns new tokens for a refresh token, which is valid once; undefined for any other. */
  refresh(token: string): Tokens | undefined;
  /** Invalidates the refresh token that the account got last, as Dify does when it signs out. */
  signOut(): void;
  isLockedOut(email: string): boolean;
  countFailure(email: string): void;
  clearFailures(email: string): void;
}

/** Returns the sessions of one account. Tokens are JWTs signed with the installation's secret key. */
export function createSessions(
  secretKey: string,
  accountId: string,
  accessSeconds = ACCESS_SECONDS,
): SessionState {
  const expiry = new Map<string, { kind: 'access' | 'csrf'; at: number }>();
  const failures = new Map<string, { count: number; last: number }>();
  const refreshTokens = new Set<string>();
  let lastRefreshToken = '';

  const jwt = (kind: 'access' | 'csrf'): string => {
    const at = Date.now() + accessSeconds * 1000;
    const claims = { sub: kind === 'csrf' ? accountId : 'Console API Passport', exp: Math.floor(at / 1000) };
    const payload = kind === 'csrf' ? claims : { ...claims, user_id: accountId, iss: 'SELF_HOSTED' };
    const unsigned = [
      { typ: 'JWT', alg: 'HS256' },
      { ...payload, jti: randomBytes(6).toString('hex') },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const token = `${unsigned}.${createHmac('sha256', secretKey).update(unsigned).digest('base64url')}`;
    expiry.set(token, { kind, at });
    return token;
  };
  const issue = (): Tokens => {
    lastRefreshToken = randomBytes(64).toString('hex');
    refreshTokens.add(lastRefreshToken);
    return { access: jwt('access'), refresh: lastRefreshToken, csrf: jwt('csrf') };
  };

  return {
    get refreshTokens() {
      return refreshTokens.size;
    },
    issue,
    check(token, kind) {
      const known = expiry.get(token);
      if (known?.kind !== kind) return 'invalid';
      return known.at > Date.now() ? 'valid' : 'expired';
    },
    refresh: (token) => (refreshTokens.delete(token) ? issue() : undefined),
    signOut: () => void refreshTokens.delete(lastRefreshToken),
    isLockedOut(email) {
      const failed = failures.get(email);
      return (
        failed !== undefined && failed.count >= FAILURES_ALLOWED && Date.now() - failed.last < LOCKOUT_MS
      );
    },
    countFailure(email) {
      failures.set(email, { count: (failures.get(email)?.count ?? 0) + 1, last: Date.now() });
    },
    clearFailures: (email) => void failures.delete(email),
    expireAccessTokens() {
      for (const token of expiry.values()) token.at = 0;
    },
    expireRefreshTokens: () => refreshTokens.clear(),
    forgetFailures: () => failures.clear(),
  };
}
