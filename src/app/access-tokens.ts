import type { Config } from '../config/schema.ts';
import type { HttpHostOptions } from '../http/host-options.ts';
import type { TokenVerifier } from '../model/token-verifier.ts';
import type { AuthorizationServer } from '../oauth/protected-resource.ts';
import type { SignIn } from '../signin/sign-in.ts';

/**
 * Returns what verifies access tokens and tells clients where to get them: from the identity provider, and from the
 * bridge's own sign-in. Loads no code for it if nothing is configured.
 */
export async function openAccessTokens(
  { oauth, http: { publicUrl } }: Config,
  pathOf: (view: string) => string,
  signIn: SignIn | undefined,
): Promise<Pick<HttpHostOptions, 'verifiers' | 'resource'>> {
  const { issuer, views, ...options } = oauth;
  if (publicUrl === undefined || (issuer === undefined && signIn === undefined)) return {};
  const { createProtectedResource } = await import('../oauth/protected-resource.ts');
  const verifiers: (TokenVerifier & AuthorizationServer)[] = signIn === undefined ? [] : [signIn];
  if (issuer !== undefined) {
    const { JwtVerifier } = await import('../oauth/verifier.ts');
    const rules =
      views && Object.entries(views).map(([view, rule]) => ({ view, endpoint: pathOf(view), ...rule }));
    verifiers.push(new JwtVerifier({ ...options, issuer, publicUrl, views: rules }));
  }
  return { verifiers, resource: createProtectedResource(publicUrl, verifiers) };
}
