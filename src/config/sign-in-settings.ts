import * as z from 'zod';
import { isLoopback } from '../model/loopback.ts';
import { flag, list, signingKey } from './fields.ts';
import { optional, setting } from './setting.ts';

const MIN_KEY = 32;

/** Signing in with Dify over HTTP. */
export const signIn = z.strictObject({
  key: optional(
    signingKey.refine((key) => key.length >= MIN_KEY, {
      error: `expected at least ${MIN_KEY} characters, such as the output of: openssl rand -base64 32`,
    }),
    { secret: true },
  ).describe(
    'Lets everyone with an account in Dify sign in on a page of the bridge, and encrypts what is stored about them. At least 32 random characters, the same in all replicas. Needs http.publicUrl. With another key, everyone signs in again.',
  ),
  emailDomains: setting(list, []).describe(
    'Domains of the e-mail addresses that may sign in, such as example.com. Empty allows all accounts of Dify.',
  ),
  clientDocuments: setting(flag, true).describe(
    'Accept clients that describe themselves at an https address, which the bridge fetches (client ID metadata documents). Set it to false if the bridge cannot reach the internet: clients then register themselves.',
  ),
  redirectHosts: setting(list, []).describe(
    'Hosts of web clients that may ask for access, such as claude.ai, and schemes of apps, such as cursor:. Empty allows all. Clients on the own device are always allowed.',
  ),
});

interface SignInGroups {
  readonly http: { readonly publicUrl?: string | undefined };
  readonly signIn: { readonly key?: string | undefined };
}

/** Checks that browsers can reach the pages on which people sign in. */
export function checkSignIn({ http, signIn: { key } }: SignInGroups, context: z.RefinementCtx): void {
  const message = key === undefined ? undefined : publicUrlProblem(http.publicUrl);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['signIn', 'key'], message });
}

function publicUrlProblem(publicUrl: string | undefined): string | undefined {
  if (publicUrl === undefined) return "needs http.publicUrl, the bridge's address for browsers and clients";
  const { protocol, hostname } = new URL(publicUrl);
  if (protocol === 'https:' || isLoopback(hostname)) return undefined;
  return 'needs an http.publicUrl with https, because people type passwords there';
}
