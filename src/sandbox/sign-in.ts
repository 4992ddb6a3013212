import { randomInt, randomUUID } from 'node:crypto';

/** The ways to sign in that Dify offers. */
export interface SandboxWays {
  readonly password: boolean;
  readonly emailCode: boolean;
  readonly social: boolean;
  /** The protocol, such as `saml`; undefined if single sign-on is not enforced. */
  readonly sso: string | undefined;
}

/** How the account signs in, which tests can change while the sandbox runs. */
export class SandboxSignIn {
  /** The codes that were sent by e-mail, the latest last. */
  readonly mails: { readonly email: string; readonly code: string }[] = [];
  ways: SandboxWays = { password: true, emailCode: false, social: false, sso: undefined };
  /** Whether e-mail codes need an answer to a captcha, as on Dify Cloud. */
  needsCaptcha = false;
  /** Whether Dify refuses to send more mails, as it does after three in five minutes. */
  mailsAreLimited = false;
  isBanned = false;
  readonly #codes = new Map<string, { readonly email: string; readonly code: string }>();

  offer(ways: Partial<SandboxWays>): void {
    this.ways = { ...this.ways, ...ways };
  }

  /** Makes the tokens of codes expire. */
  expireCodes(): void {
    this.#codes.clear();
  }

  /** Sends a code. Returns the token that belongs to it. */
  mail(email: string): string {
    const mail = { email, code: String(randomInt(1_000_000)).padStart(6, '0') };
    const token = randomUUID();
    this.mails.push(mail);
    this.#codes.set(token, mail);
    return token;
  }

  mailOf(token: string): { readonly email: string; readonly code: string } | undefined {
    return this.#codes.get(token);
  }

  useUp(token: string): void {
    this.#codes.delete(token);
  }
}
