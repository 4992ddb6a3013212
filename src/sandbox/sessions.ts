import { createHmac, randomBytes } from 'node:crypto';

/** Seconds for which an access token and its CSRF token are good. */
export const ACCESS_SECONDS = 3_600;
/** Seconds for which a refresh token is good. */
export const REFRESH_SECONDS = 2_592_000;
/** Wrong passwords after which an e-mail address is locked out. */
const FAILURES_ALLOWED = 6;
/** Milliseconds of the lockout, counted from the last failure. */
const LOCKOUT_MS = 86_400_000;

/** What a login or a refresh gives out. */
export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  readonly csrf: string;
}

/** Whether a token is good. */
export type TokenState = 'valid' | 'expired' | 'invalid';

/** Control of the console's tokens. */
export interface SandboxSessions {
  /** Every access token given out so far answers "Token has expired." from now on. */
  expireAccessTokens(): void;
  /** The refresh token given out last is no longer accepted. */
  expireRefreshToken(): void;
  /** Forgets wrong passwords, and with them a lockout. */
  forgetFailures(): void;
}

/** The tokens with what the routes ask of them. */
export interface SessionState extends SandboxSessions {
  issue(): Tokens;
  check(token: string, kind: 'access' | 'csrf'): TokenState;
  /** New tokens for a refresh token, which is good once; undefined for any other. */
  refresh(token: string): Tokens | undefined;
  isLockedOut(email: string): boolean;
  countFailure(email: string): void;
  clearFailures(email: string): void;
}

/** The sessions of one account; tokens are JWTs signed with the installation's secret key. */
export function createSessions(secretKey: string, accountId: string): SessionState {
  const expiry = new Map<string, { kind: 'access' | 'csrf'; at: number }>();
  const failures = new Map<string, { count: number; last: number }>();
  let refreshToken: string | undefined;

  const jwt = (kind: 'access' | 'csrf'): string => {
    const at = Date.now() + ACCESS_SECONDS * 1000;
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
    refreshToken = randomBytes(64).toString('hex');
    return { access: jwt('access'), refresh: refreshToken, csrf: jwt('csrf') };
  };

  return {
    issue,
    check(token, kind) {
      const known = expiry.get(token);
      if (known?.kind !== kind) return 'invalid';
      return known.at > Date.now() ? 'valid' : 'expired';
    },
    refresh: (token) => (token === refreshToken ? issue() : undefined),
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
    expireRefreshToken() {
      refreshToken = undefined;
    },
    forgetFailures: () => failures.clear(),
  };
}
