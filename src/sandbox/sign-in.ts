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
export interface SandboxSignIn {
  /** The codes that were sent by e-mail, the latest last. */
  readonly mails: readonly { readonly email: string; readonly code: string }[];
  offer(ways: Partial<SandboxWays>): void;
  /** Makes e-mail codes need an answer to a captcha, as on Dify Cloud. */
  requireCaptcha(): void;
  /** Refuses to send more mails, as Dify does after three in five minutes. */
  limitMails(): void;
  /** Makes the tokens of codes expire. */
  expireCodes(): void;
  ban(): void;
}

export class SignInState implements SandboxSignIn {
  readonly mails: { email: string; code: string }[] = [];
  ways: SandboxWays = { password: true, emailCode: false, social: false, sso: undefined };
  needsCaptcha = false;
  mailsAreLimited = false;
  isBanned = false;
  readonly #codes = new Map<string, { readonly email: string; readonly code: string }>();

  offer(ways: Partial<SandboxWays>): void {
    this.ways = { ...this.ways, ...ways };
  }

  requireCaptcha(): void {
    this.needsCaptcha = true;
  }

  limitMails(): void {
    this.mailsAreLimited = true;
  }

  expireCodes(): void {
    this.#codes.clear();
  }

  ban(): void {
    this.isBanned = true;
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
