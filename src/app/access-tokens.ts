import type { Config } from '../config/schema.ts';
import type { HttpHostOptions } from '../http/host.ts';

/** Returns what verifies access tokens and tells clients where to get them. Loads no code for it if nothing is configured. */
export async function openAccessTokens(
  { oauth, http: { publicUrl } }: Config,
  pathOf: (view: string) => string,
): Promise<Pick<HttpHostOptions, 'verifiers' | 'resource'>> {
  const { issuer, views, ...options } = oauth;
  if (issuer === undefined || publicUrl === undefined) return {};
  const [{ JwtVerifier }, { createProtectedResource }] = await Promise.all([
    import('../oauth/verifier.ts'),
    import('../oauth/protected-resource.ts'),
  ]);
  const rules =
    views && Object.entries(views).map(([view, rule]) => ({ view, endpoint: pathOf(view), ...rule }));
  const verifier = new JwtVerifier({ ...options, issuer, publicUrl, views: rules });
  return { verifiers: [verifier], resource: createProtectedResource(publicUrl, [verifier]) };
}
