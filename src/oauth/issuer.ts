import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from 'jose';
import { BridgeError } from '../model/errors.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import { isLoopback } from '../model/loopback.ts';

/** How long a server may take to answer, in milliseconds. */
const TIMEOUT_MS = 5000;
/** After this time, a key that is not known may be a new one, so that the keys are fetched again. */
const COOLDOWN_MS = 1000;
/** After this time, a key that the server has withdrawn is no longer accepted. */
const MAX_AGE_MS = 600_000;

/** Where metadata is, OpenID Connect's place first, because most servers have it. */
const WELL_KNOWN = [
  ({ origin, pathname }: URL) => `${origin}${pathname.replace(/\/$/, '')}/.well-known/openid-configuration`,
  ({ origin, pathname }: URL) =>
    `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`,
] as const;

/**
 * Returns the keys of an issuer: found through its metadata, cached, and fetched again when a token names a new one.
 * Getting a key rejects with `authorization_unavailable` while the issuer does not answer.
 */
export function createIssuerKeys(issuer: string): JWTVerifyGetKey {
  let found: Promise<JWTVerifyGetKey> | undefined;

  async function find(): Promise<JWTVerifyGetKey> {
    const url = await findKeysUrl(issuer);
    const fetchKeys: FetchImplementation = async (address) => Response.json(await fetchJson(issuer, address));
    return createRemoteJWKSet(url, {
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: MAX_AGE_MS,
      [customFetch]: fetchKeys,
    });
  }

  return async (header, token) => {
    found ??= find();
    try {
      return await (await found.catch(forget))(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSInvalid) throw unavailable(issuer, 'its keys are not a JWK Set', error);
      throw error;
    }
  };

  function forget(error: unknown): never {
    found = undefined;
    throw error;
  }
}

/** Resolves with the address of an issuer's keys. @throws BridgeError `authorization_unavailable`. */
export async function findKeysUrl(issuer: string): Promise<URL> {
  const places = WELL_KNOWN.map((place) => fetchJson(issuer, place(new URL(issuer))));
  const { issuer: named, jwks_uri: address } = await Promise.any(places).catch(({ errors: [first] }) => {
    throw first;
  });
  if (named !== issuer) {
    const reason = `its metadata names another issuer, ${JSON.stringify(named)}. Both must be the same, with or without a slash at the end`;
    throw unavailable(issuer, reason);
  }
  const url = typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined;
  // Keys that could be changed on their way would let others sign tokens.
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isLoopback(url.hostname))) {
    throw unavailable(issuer, 'its metadata has no jwks_uri that begins with https://');
  }
  return url;
}

/** Resolves with the number of an issuer's keys. @throws BridgeError `authorization_unavailable`. */
export async function countKeys(issuer: string): Promise<number> {
  const { keys } = await fetchJson(issuer, (await findKeysUrl(issuer)).href);
  if (Array.isArray(keys)) return keys.length;
  throw unavailable(issuer, 'its keys are not a JWK Set');
}

async function fetchJson(issuer: string, url: string): Promise<JsonObject> {
  let reason: string;
  try {
    const response = await fetch(url, {
      headers: { Accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const value: unknown = response.status === 200 ? await response.json() : undefined;
    if (isJsonObject(value)) return value;
    reason = `${url} answered with status ${response.status}${response.status === 200 ? ', but no JSON object' : ''}`;
  } catch (error) {
    throw unavailable(issuer, `${url} did not answer, or not with JSON`, error);
  }
  throw unavailable(issuer, reason);
}

function unavailable(issuer: string, reason: string, cause?: unknown): BridgeError {
  return new BridgeError(
    'authorization_unavailable',
    `Access tokens of ${issuer} cannot be verified: ${reason}.`,
    { hint: 'Try again later. The operator of the bridge can run dify-mcp-bridge doctor.', cause },
  );
}
