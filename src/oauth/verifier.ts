import { hash } from 'node:crypto';
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { BridgeError } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';
import type { Caller, TokenVerifier } from '../model/token-verifier.ts';
import { createIssuerKeys } from './issuer.ts';
import { type AuthorizationServer, audiencesAt, endpointOf } from './protected-resource.ts';

/** By how many seconds the clocks of the issuer and the bridge may differ. */
const TOLERATED_SKEW_S = 5;

/** Subjects that can be read in a log. Others are hashed. */
const PLAIN_SUBJECT = /^[\w.@+-]{1,64}$/;

/** Who may use a view. */
export interface ViewRule {
  readonly view: string;
  /** The endpoint of the view. */
  readonly endpoint: string;
  /** A scope of the token. */
  readonly scope?: string | undefined;
  /** A claim of the token, and its value or one of its values. */
  readonly claim?: string | undefined;
  readonly value?: string | undefined;
}

export interface VerifierOptions {
  /** As in the `iss` claim. */
  readonly issuer: string;
  /** The public address of the bridge. */
  readonly publicUrl: string;
  /** The accepted values of the `aud` claim. Default: the address of the endpoint. */
  readonly audience?: readonly string[] | undefined;
  /** The scopes that every token must have. */
  readonly scopes: readonly string[];
  readonly algorithms: readonly string[];
  /** Who may use which views, in order; undefined if every caller may use all of them. */
  readonly views?: readonly ViewRule[] | undefined;
}

/** Verifies the access tokens that an OAuth 2.1 authorization server issues as JWTs. */
export class JwtVerifier implements TokenVerifier, AuthorizationServer {
  readonly issuer: string;
  readonly #options: VerifierOptions;
  readonly #keys: ReturnType<typeof createIssuerKeys>;

  constructor(options: VerifierOptions) {
    this.issuer = options.issuer;
    this.#options = options;
    this.#keys = createIssuerKeys(options.issuer);
  }

  scopesAt(endpoint: string): readonly string[] {
    const { scopes, views = [] } = this.#options;
    const own = views.filter((rule) => rule.endpoint === endpoint);
    // At the default endpoint, a caller without the default view gets the first of its own.
    const rules = own.length > 0 || endpoint !== endpointOf('') ? own : views;
    return [...scopes, ...rules.flatMap(({ scope }) => scope ?? [])];
  }

  async verify(token: string, path: string): Promise<Caller | undefined> {
    const { issuer, views } = this.#options;
    if (issuerOf(token) !== issuer) return undefined;
    const endpoint = endpointOf(path);
    const claims = await this.#verified(token, endpoint);
    const granted = scopesOf(claims);
    const own = views?.filter((rule) => isSatisfied(rule, claims, granted));
    // At the default endpoint, any view that is open will do.
    const needed = endpoint === endpointOf('') ? this.#options.scopes : this.scopesAt(endpoint);
    if (own?.length === 0 || !needed.every((scope) => granted.includes(scope))) {
      const scopes = this.scopesAt(endpoint).join(' ');
      throw new BridgeError('insufficient_scope', 'The access token does not permit this request.', {
        hint:
          scopes === ''
            ? 'No view is open to it: the operator of the bridge can change oauth.views.'
            : `Ask the identity provider for a token with the scopes ${scopes}.`,
      });
    }
    return {
      principal: principalOf(issuer, claims.sub ?? ''),
      views: own?.map(({ view }) => view),
      expiresAt: (claims.exp ?? 0) * 1000,
    };
  }

  async #verified(token: string, endpoint: string): Promise<JWTPayload> {
    const { issuer, publicUrl, audience, algorithms } = this.#options;
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer,
        audience: [...(audience ?? audiencesAt(publicUrl, endpoint))],
        algorithms: [...algorithms],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: TOLERATED_SKEW_S,
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) throw refusal(error);
      throw error;
    }
  }
}

/** Returns the issuer that a token names, without verifying it; undefined if it is not a JWT. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

/** Returns the scopes of a token: `scope` is a text (RFC 9068), `scp` a text or a list, by the identity provider. */
function scopesOf({ scope, scp }: JWTPayload): readonly string[] {
  const given = scope ?? scp;
  return Array.isArray(given) ? given.map(String) : typeof given === 'string' ? given.split(' ') : [];
}

function isSatisfied(
  { scope, claim, value }: ViewRule,
  claims: JWTPayload,
  granted: readonly string[],
): boolean {
  if (scope !== undefined && !granted.includes(scope)) return false;
  if (claim === undefined) return true;
  const given = claimAt(claims, claim);
  return Array.isArray(given) ? given.includes(value) : given === value;
}

/** Returns a claim by its name, which may have dots, or by the path to it. */
function claimAt(claims: JWTPayload, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split('.')
    .reduce<unknown>(
      (found, key) => (isJsonObject(found) && Object.hasOwn(found, key) ? found[key] : undefined),
      claims,
    );
}

/** Returns a principal that two issuers never share, which is short and can be logged. */
function principalOf(issuer: string, subject: string): string {
  const digest = (text: string): string => hash('sha256', text, 'base64url');
  return PLAIN_SUBJECT.test(subject)
    ? `oauth:${digest(issuer).slice(0, 8)}:${subject}`
    : `oauth:${digest(JSON.stringify([issuer, subject]))}`;
}

function refusal(error: errors.JOSEError): BridgeError {
  const isAudience = error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud';
  const message =
    error instanceof errors.JWTExpired
      ? 'The access token has expired.'
      : isAudience
        ? 'The access token was issued for another audience.'
        : 'The access token is not valid.';
  return new BridgeError('unauthorized', message, {
    hint: 'Get a new token from the identity provider.',
    cause: error,
  });
}
