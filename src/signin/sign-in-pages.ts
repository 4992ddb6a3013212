import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { InteractionResults } from 'oidc-provider';
import { tokensFromJson, tokensToJson } from '../logins/stored-login.ts';
import { asBridgeError, BridgeError } from '../model/errors.ts';
import { type JsonObject, textOf } from '../model/json.ts';
import type { RateStore } from '../model/ports.ts';
import { redirectPlace, shownName } from './clients.ts';
import type { DifyLogins } from './dify-logins.ts';
import type { DifySteps, Entered, OpenAccount } from './dify-steps.ts';
import { readForm } from './forms.ts';
import { sendPage } from './html.ts';
import { accountPage, type AskingClient, codePage, consentPage, onwardPage, workspacePage } from './pages.ts';
import { GRANT_SECONDS } from './provider-adapter.ts';
import type { SealedRecords } from './records.ts';
import type { SignInKeys } from './sealing.ts';
import { WrongAnswers } from './wrong-answers.ts';

export interface SignInPagesOptions {
  readonly provider: Provider;
  readonly scope: string;
  readonly records: SealedRecords;
  readonly keys: SignInKeys;
  readonly logins: DifyLogins;
  readonly dify: DifySteps;
  /** The host of Dify, as pages show it. */
  readonly difyHost: string;
  /** The domains of e-mail addresses that may sign in; empty for all of them. */
  readonly emailDomains: readonly string[];
  /** The origin of the pages. */
  readonly origin: string;
  /** Counts wrong answers on all replicas. */
  readonly rates: RateStore | undefined;
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** Where a person is between the first page and the consent. */
interface Progress {
  readonly email: string;
  /** Belongs to the code that Dify sent. */
  readonly codeToken?: string | undefined;
  /** Signed in, with the workspace still to choose. */
  readonly account?: OpenAccount | undefined;
}

const PROGRESS_SECONDS = 15 * 60;

/** The pages on which a person signs in and allows a client. Each form leads to the next page. */
export class SignInPages {
  readonly #options: SignInPagesOptions;
  readonly #wrong: WrongAnswers;

  constructor(options: SignInPagesOptions) {
    this.#options = options;
    this.#wrong = new WrongAnswers(options.keys, options.rates);
  }

  /** Serves the page of one sign-in. Throws a BridgeError for a form of another page. */
  async serve(req: IncomingMessage, res: ServerResponse, uid: string): Promise<void> {
    const interaction = await this.#interactionOf(req, res, uid);
    const token = this.#options.keys.formToken(uid);
    const page = { req, res, interaction, token };
    if (req.method !== 'POST') return this.#show(page);
    const fields = await readForm(req, this.#options.origin, token);
    try {
      await this.#take(page, fields);
    } catch (error) {
      const shown = asBridgeError(error);
      if (shown.code === 'internal') throw error;
      await this.#show(page, shown, textOf(fields.get('email')?.trim()));
    }
  }

  async #interactionOf(req: IncomingMessage, res: ServerResponse, uid: string): Promise<Interaction> {
    const interaction = await this.#options.provider.interactionDetails(req, res).catch(() => undefined);
    if (interaction?.uid === uid) return interaction;
    throw new BridgeError('bad_request', 'This sign-in has expired, or it began in another browser.', {
      hint: 'Go back to the client, and connect it again. Cookies must be allowed.',
    });
  }

  async #show(page: Page, error?: BridgeError, email?: string): Promise<void> {
    const { interaction, token } = page;
    const context = { token, error };
    const { provider, dify, difyHost } = this.#options;
    if (interaction.prompt.name === 'consent') return this.#showConsent(page, error);
    const progress = await this.#progress(interaction);
    let text: string;
    if (progress?.account !== undefined) {
      const entered = await dify.enter(progress.account, undefined);
      if ('choose' in entered) text = workspacePage(entered.choose, context);
      else return this.#finish(page, entered);
    } else if (progress?.codeToken !== undefined) text = codePage(progress.email, context);
    else {
      const client = await provider.Client.find(String(interaction.params['client_id']));
      const name = shownName(client?.clientName) ?? 'A client';
      const hint = textOf(interaction.params['login_hint']) ?? '';
      text = accountPage(await dify.ways(), { client: name, dify: difyHost, email: email ?? hint }, context);
    }
    sendPage(page.res, error?.rule.http === 403 ? 403 : 200, text);
  }

  async #take(page: Page, fields: URLSearchParams): Promise<void> {
    const { interaction } = page;
    const step = fields.get('step') ?? '';
    if (step === 'cancel') return this.#cancel(page);
    if (interaction.prompt.name === 'consent') {
      if (step === 'allow') return this.#allow(page);
      return step === 'other-account' ? this.#otherAccount(page) : this.#show(page);
    }
    if (step === 'restart') {
      await this.#setProgress(interaction, undefined);
      return this.#show(page);
    }
    const progress = await this.#progress(interaction);
    if (step === 'workspace' && progress?.account !== undefined) {
      return this.#enter(page, progress.account, fields.get('workspace') ?? undefined);
    }
    if (step === 'code' && progress?.codeToken !== undefined) {
      const { email, codeToken } = progress;
      const code = (fields.get('code') ?? '').replaceAll(/\s/g, '');
      return this.#enter(
        page,
        await this.#wrong.guard(email, () => this.#options.dify.byCode(email, code, codeToken)),
      );
    }
    const email = this.#checkedEmail(progress?.email ?? fields.get('email') ?? '');
    if (step === 'send-code') {
      await this.#wrong.check(email);
      await this.#setProgress(interaction, { email, codeToken: await this.#options.dify.sendCode(email) });
      return this.#show(page);
    }
    const password = fields.get('password') ?? '';
    if (password === '') throw new BridgeError('usage', 'Type the password.');
    return this.#enter(
      page,
      await this.#wrong.guard(email, () => this.#options.dify.byPassword(email, password)),
    );
  }

  #checkedEmail(text: string): string {
    const email = text.trim();
    const domain = /^[^\s@]+@([^\s@]+)$/.exec(email)?.[1]?.toLowerCase();
    if (domain === undefined) throw new BridgeError('usage', 'An e-mail address looks like you@example.com.');
    const { emailDomains } = this.#options;
    if (emailDomains.length === 0 || emailDomains.some((one) => one.toLowerCase() === domain)) return email;
    throw new BridgeError('usage', `Accounts of ${domain} may not sign in to this bridge.`, {
      hint: 'Use another account, or ask the operator of the bridge.',
    });
  }

  async #enter(page: Page, account: OpenAccount, chosen?: string): Promise<void> {
    const { dify } = this.#options;
    let entered: Entered;
    try {
      entered = await dify.enter(account, chosen);
    } catch (error) {
      // The person starts again, with another account or a higher role.
      await this.#setProgress(page.interaction, undefined);
      await dify.leave(account);
      throw error;
    }
    if (!('choose' in entered)) return this.#finish(page, entered);
    await this.#setProgress(page.interaction, { email: account.email, account });
    sendPage(page.res, 200, workspacePage(entered.choose, { token: page.token }));
  }

  async #finish(page: Page, { accountId, login }: Exclude<Entered, { choose: unknown }>): Promise<void> {
    const { interaction } = page;
    await this.#setProgress(interaction, undefined);
    await this.#options.logins.store(accountId, login);
    await this.#changeAccount(page, accountId);
    await this.#goOn(page, { login: { accountId } });
  }

  /** Puts another account in the place of the one that the browser was signed in as. */
  async #changeAccount({ interaction, req, res }: Page, accountId: string): Promise<void> {
    const { session: before } = interaction;
    if (before?.accountId === undefined || before.accountId === accountId) return;
    const { provider } = this.#options;
    const session = await provider.Session.get(provider.createContext(req, res));
    session.loginAccount({ accountId });
    session.authorizations = {};
    await session.persist();
    before.accountId = accountId;
    await interaction.persist();
  }

  async #showConsent({ res, req, interaction, token }: Page, error?: BridgeError): Promise<void> {
    const { logins, difyHost } = this.#options;
    const known = await logins.find(interaction.session?.accountId ?? '');
    // The login ended while the browser still knew the account.
    if (known === undefined) return this.#otherAccount({ res, req, interaction, token });
    const { email, workspaceName: workspace } = known.login;
    const client = await this.#askingClient(interaction);
    sendPage(res, 200, consentPage(client, { email, workspace, dify: difyHost }, { token, error }));
  }

  async #askingClient({ params }: Interaction): Promise<AskingClient> {
    const id = String(params['client_id']);
    const client = await this.#options.provider.Client.find(id);
    const verifiedBy = URL.canParse(id) ? new URL(id).host : undefined;
    return {
      name: shownName(client?.clientName) ?? 'a client without a name',
      verifiedBy,
      goesTo: redirectPlace(String(params['redirect_uri'])),
    };
  }

  async #allow(page: Page): Promise<void> {
    const { provider, logins, records, scope } = this.#options;
    const { params, session } = page.interaction;
    const [accountId, clientId] = [session?.accountId ?? '', String(params['client_id'])];
    if ((await logins.find(accountId)) === undefined) return this.#otherAccount(page);
    const grant = new provider.Grant({ accountId, clientId });
    for (const resource of [params['resource']].flat()) grant.addResourceScope(String(resource), scope);
    const grantId = await grant.save();
    await logins.addGrant(accountId, grantId);
    const registered = await records.find('Client', clientId);
    if (registered !== undefined) await records.put('Client', clientId, registered, GRANT_SECONDS);
    await this.#goOn(page, { consent: { grantId } });
  }

  async #cancel(page: Page): Promise<void> {
    const progress = await this.#progress(page.interaction);
    if (progress?.account !== undefined) await this.#options.dify.leave(progress.account);
    await this.#setProgress(page.interaction, undefined);
    const detail = 'The person did not allow the access.';
    await this.#goOn(page, { error: 'access_denied', error_description: detail });
  }

  /** Forgets who is signed in in this browser, and asks again on behalf of the same client. */
  async #otherAccount({ req, res, interaction }: Page): Promise<void> {
    const { provider } = this.#options;
    const session = await provider.Session.get(provider.createContext(req, res));
    await session.destroy();
    const again = new URL(provider.urlFor('authorization'));
    for (const [name, value] of Object.entries(interaction.params)) {
      for (const one of [value].flat()) if (typeof one === 'string') again.searchParams.append(name, one);
    }
    sendPage(res, 200, onwardPage(again.href));
  }

  async #goOn({ req, res }: Page, result: InteractionResults): Promise<void> {
    const { provider } = this.#options;
    const next = await provider.interactionResult(req, res, result);
    sendPage(res, 200, onwardPage(next));
  }

  async #progress({ uid }: Interaction): Promise<Progress | undefined> {
    const raw = await this.#options.records.find('Progress', uid);
    const email = textOf(raw?.['email']);
    if (raw === undefined || email === undefined) return undefined;
    const tokens = tokensFromJson(raw['tokens']);
    return { email, codeToken: textOf(raw['codeToken']), account: tokens && { email, tokens } };
  }

  async #setProgress({ uid }: Interaction, progress: Progress | undefined): Promise<void> {
    const { records } = this.#options;
    if (progress === undefined) return records.remove('Progress', uid);
    const { email, codeToken, account } = progress;
    const value: JsonObject = { email, codeToken, tokens: account && tokensToJson(account.tokens) };
    await records.put('Progress', uid, value, PROGRESS_SECONDS);
  }
}

/** One request to a page. */
interface Page {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly interaction: Interaction;
  /** The token of its forms. */
  readonly token: string;
}
