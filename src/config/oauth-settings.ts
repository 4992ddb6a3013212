import * as z from 'zod';
import { isLoopback } from '../model/loopback.ts';
import { choice, LIST_ERROR, list, text } from './fields.ts';
import { kinds, optional, setting } from './setting.ts';

/** Signatures by a private key. With any other, everyone who can verify a token could sign one. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const issuer = text
  .refine(isIssuer, {
    error:
      'expected the address in the iss claim of the tokens, such as https://login.example.com: with https:// (http:// only on loopback), without a ? or # part',
  })
  .register(kinds, { kind: 'url' });

const scope = text.regex(/^[!#-[\]-~]+$/, {
  error: 'expected a scope without spaces (in an environment variable, separate several by commas)',
});

const rule = z
  .strictObject(
    { scope: z.exactOptional(scope), claim: z.exactOptional(text), value: z.exactOptional(text) },
    { error: 'expected a scope, or a claim and its value' },
  )
  .refine(
    ({ scope, claim, value }) =>
      (scope ?? claim) !== undefined && (claim === undefined) === (value === undefined),
    { error: 'expected a scope, or a claim and its value' },
  );

export const oauth = z
  .strictObject({
    issuer: optional(issuer).describe(
      'Address of the identity provider whose access tokens (JWTs) admit HTTP requests, exactly as in their `iss` claim. Requires http.publicUrl.',
    ),
    audience: optional(list).describe(
      'Accepted values of the `aud` claim. Default: the address of the endpoint, such as https://bridge.example.com/mcp.',
    ),
    scopes: setting(z.array(scope, { error: LIST_ERROR }), []).describe(
      'Scopes that every access token must have.',
    ),
    views: optional(
      z.record(z.string(), rule, { error: 'expected an object: the name of a view, then its rule' }),
    ).describe(
      'The views that an access token opens, the one at the default path first, each with a `scope`, or with a `claim` and its `value`. Without it, every token opens all views.',
    ),
    algorithms: setting(z.array(choice(ALGORITHMS), { error: LIST_ERROR }).min(1), [
      'RS256',
      'PS256',
      'ES256',
      'EdDSA',
    ]).describe(`Accepted signatures: ${ALGORITHMS.join(', ')}.`),
  })
  .refine(
    ({ issuer: given, audience, scopes, views }) =>
      given !== undefined || (audience === undefined && scopes.length === 0 && views === undefined),
    {
      path: ['issuer'],
      error: 'missing: the other settings of oauth need the issuer of the access tokens',
    },
  );

/** The settings that access tokens depend on. */
interface Checked {
  readonly oauth: z.output<typeof oauth>;
  readonly http: { readonly publicUrl?: string | undefined };
  readonly views: Readonly<Record<string, unknown>>;
  readonly workspaces: Readonly<Record<string, { readonly views: Readonly<Record<string, unknown>> }>>;
}

/** Reports what access tokens need of other settings. */
export function checkOauth(
  { oauth: { issuer: given, views: rules = {} }, http, views, workspaces }: Checked,
  context: z.RefinementCtx,
): void {
  const { publicUrl } = http;
  const report = (path: string[], message: string): void =>
    context.addIssue({ code: 'custom', path, message });
  if (given === undefined) return;
  if (publicUrl === undefined) {
    report(
      ['http', 'publicUrl'],
      'missing: oauth.issuer needs the address under which clients reach the bridge',
    );
  } else if (!isSecure(publicUrl)) {
    report(
      ['http', 'publicUrl'],
      'expected https:// (http:// only on loopback), because oauth.issuer is set',
    );
  }
  const others = Object.entries(workspaces).flatMap(([workspace, own]) =>
    ['default', ...Object.keys(own.views)].map((view) => `${workspace}/${view}`),
  );
  const known = new Set(['default', ...Object.keys(views), ...others]);
  for (const name of Object.keys(rules)) {
    if (known.has(name)) continue;
    report(['oauth', 'views', name], `there is no view named ${name}`);
  }
}

function isIssuer(value: string): boolean {
  if (!URL.canParse(value) || !isSecure(value)) return false;
  const { username, password, search, hash } = new URL(value);
  return `${username}${password}${search}${hash}` === '';
}

function isSecure(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
