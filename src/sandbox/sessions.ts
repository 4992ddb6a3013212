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

/** The console's tokens of one account: JWTs signed with the installation's secret key. */
export class SandboxSessions {
  readonly #secretKey: string;
  readonly #accountId: string;
  readonly #accessSeconds: number;
  readonly #expiry = new Map<string, { readonly kind: 'access' | 'csrf'; at: number }>();
  readonly #failures = new Map<string, { readonly count: number; readonly last: number }>();
  readonly #refreshTokens = new Set<string>();
  #lastRefreshToken = '';

  constructor(secretKey: string, accountId: string, accessSeconds = ACCESS_SECONDS) {
    this.#secretKey = secretKey;
    this.#accountId = accountId;
    this.#accessSeconds = accessSeconds;
  }

  /** How many refresh tokens are valid. */
  get refreshTokens(): number {
    return this.#refreshTokens.size;
  }

  issue(): Tokens {
    this.#lastRefreshToken = randomBytes(64).toString('hex');
    this.#refreshTokens.add(this.#lastRefreshToken);
    return { access: this.#jwt('access'), refresh: this.#lastRefreshToken, csrf: this.#jwt('csrf') };
  }

  check(token: string, kind: 'access' | 'csrf'): 'valid' | 'expired' | 'invalid' {
    const known = this.#expiry.get(token);
    if (known?.kind !== kind) return 'invalid';
    return known.at > Date.now() ? 'valid' : 'expired';
  }

  /** Returns new tokens for a refresh token, which is valid once; undefined for any other. */
  refresh(token: string): Tokens | undefined {
    return this.#refreshTokens.delete(token) ? this.issue() : undefined;
  }

  /** Invalidates the refresh token that the account got last, as Dify does when it signs out. */
  signOut(): void {
    this.#refreshTokens.delete(this.#lastRefreshToken);
  }

  isLockedOut(email: string): boolean {
    const { count = 0, last = 0 } = this.#failures.get(email) ?? {};
    return count >= FAILURES_ALLOWED && Date.now() - last < LOCKOUT_MS;
  }

  countFailure(email: string): void {
    this.#failures.set(email, { count: (this.#failures.get(email)?.count ?? 0) + 1, last: Date.now() });
  }

  clearFailures(email: string): void {
    this.#failures.delete(email);
  }

  /** Makes every issued access token answer "Token has expired.". */
  expireAccessTokens(): void {
    for (const token of this.#expiry.values()) token.at = 0;
  }

  /** Invalidates every issued refresh token. */
  expireRefreshTokens(): void {
    this.#refreshTokens.clear();
  }

  /** Forgets wrong passwords, which ends a lockout. */
  forgetFailures(): void {
    this.#failures.clear();
  }

  #jwt(kind: 'access' | 'csrf'): string {
    const at = Date.now() + this.#accessSeconds * 1000;
    const about =
      kind === 'csrf'
        ? { sub: this.#accountId }
        : { sub: 'Console API Passport', user_id: this.#accountId, iss: 'SELF_HOSTED' };
    const claims = { ...about, exp: Math.floor(at / 1000), jti: randomBytes(6).toString('hex') };
    const unsigned = [{ typ: 'JWT', alg: 'HS256' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const token = `${unsigned}.${createHmac('sha256', this.#secretKey).update(unsigned).digest('base64url')}`;
    this.#expiry.set(token, { kind, at });
    return token;
  }
}
