import type { SignInWays } from '../dify/console/sign-in.ts';
import type { AccountWorkspace } from '../dify/console/workspaces.ts';
import type { BridgeError } from '../model/errors.ts';
import { type Html, html } from '../model/html.ts';
import { wholePage } from './html.ts';

/** What every form carries, against forms of other sites. */
export interface FormContext {
  readonly token: string;
  /** Why the last answer was not accepted. */
  readonly error?: BridgeError | undefined;
}

/** Who asks for access. */
export interface AskingClient {
  /** The name that the client gives itself. */
  readonly name: string;
  /** The host that vouches for the name; undefined if anybody may have given it. */
  readonly verifiedBy: string | undefined;
  /** Where the browser goes next, and with it the permission. */
  readonly goesTo: string;
}

export function accountPage(
  { password, emailCode, elsewhere }: SignInWays,
  about: { readonly client: string; readonly dify: string; readonly email: string },
  context: FormContext,
): string {
  if (!password && !emailCode) {
    const only = elsewhere.length === 0 ? 'no way to sign in' : `only ${elsewhere.join(' and ')}`;
    return wholePage(
      'Signing in is not possible here',
      html`<p>This Dify offers ${only}, which works only on its own page.</p>
<p>Ask the administrator of Dify to allow passwords or e-mail codes.</p>`,
    );
  }
  const byPassword = html`<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="256">
<button class="main" name="step" value="password">Sign in</button>`;
  const byCode = html`<button class="${password ? 'other' : 'main'}" name="step" value="send-code">Send me a code by e-mail</button>`;
  return wholePage(
    'Sign in with Dify',
    html`<p><strong>${about.client}</strong> asks to use your Dify tools. Sign in with your account at <strong>${about.dify}</strong>.</p>
${form(
  context,
  html`<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="${about.email}">
${password ? byPassword : undefined}
${emailCode ? byCode : undefined}`,
)}
${cancelForm(context)}
<p class="note">The bridge passes the password to Dify and does not store it.</p>`,
  );
}

export function codePage(email: string, context: FormContext): string {
  return wholePage(
    'Type the code from the mail',
    html`<p>Dify has sent a code to <strong>${email}</strong>. It may take a minute, and may be in the spam folder.</p>
${form(
  context,
  html`<label for="code">Code</label>
<input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" maxlength="32" required>
<button class="main" name="step" value="code">Sign in</button>`,
)}
${form(bare(context), html`<button name="step" value="send-code">Send a new code</button>`)}
${form(bare(context), html`<button name="step" value="restart">Use another account</button>`)}`,
  );
}

export function workspacePage(workspaces: readonly AccountWorkspace[], context: FormContext): string {
  const choices = workspaces.map(
    ({
      id,
      name,
      current,
    }) => html`<label class="choice"><input type="radio" name="workspace" value="${id}" required${current ? html` checked` : undefined}>
<span>${name}${current ? ' (your current one)' : ''}</span></label>`,
  );
  return wholePage(
    'Choose a workspace',
    html`${form(context, html`${choices}<button class="main" name="step" value="workspace">Continue</button>`)}
<p class="note">Dify switches your account to this workspace. Your browser shows it too, from then on.</p>
${cancelForm(context)}`,
  );
}

export function consentPage(
  client: AskingClient,
  account: { readonly email: string; readonly workspace: string; readonly dify: string },
  context: FormContext,
): string {
  const { verifiedBy } = client;
  return wholePage(
    `Allow ${client.name} to use your Dify tools?`,
    html`<dl>
<dt>Account</dt><dd>${account.email}</dd>
<dt>Workspace</dt><dd>${account.workspace}, ${account.dify}</dd>
<dt>Name of the client</dt><dd>${client.name}${verifiedBy === undefined ? ' (not verified)' : ` (published by ${verifiedBy})`}</dd>
<dt>Permission goes to</dt><dd>${client.goesTo}</dd>
</dl>
<p>It can list and run the tools of this workspace with your rights and credentials. Dify keeps each run with its input and output under your name, in an app called "MCP bridge", which the bridge creates.</p>
<p><strong>Allow this only if you have just connected this client yourself.</strong></p>
${form(
  context,
  html`<button class="main" name="step" value="allow">Allow</button>
<button name="step" value="cancel">Cancel</button>`,
)}
${form(bare(context), html`<p class="note">Not you? <button class="link" name="step" value="other-account">Use another account</button></p>`)}
<p class="note">To end this later, open <a href="../sign-out">the sign-out page</a> in this browser.</p>`,
  );
}

/** The browser goes on by itself. A redirect would be refused here, as the answer to a form. */
export function onwardPage(next: string): string {
  return wholePage(
    'One moment',
    html`<p>You are being sent back to the client.</p><p><a class="button" href="${next}">Continue</a></p>`,
    next,
  );
}

export function signOutPage(email: string, context: FormContext): string {
  return wholePage(
    'Sign out of the bridge?',
    html`<p>You are signed in as <strong>${email}</strong>. Signing out ends the access of every client that you allowed, and the bridge's login in Dify.</p>
${form(context, html`<button class="main" name="step" value="sign-out">Sign out</button>`)}`,
  );
}

export function textPage(title: string, text: string, hint?: string): string {
  return wholePage(title, html`<p>${text}</p>${hint === undefined ? undefined : html`<p>${hint}</p>`}`);
}

function cancelForm(context: FormContext): Html {
  return form(bare(context), html`<button name="step" value="cancel">Cancel</button>`);
}

/** Only the first form of a page shows the error. */
function bare({ token }: FormContext): FormContext {
  return { token };
}

/** Forms go to the page's own address. */
function form({ token, error }: FormContext, content: Html): Html {
  const problem = error && html`<p class="error" role="alert">${error.message} ${error.hint}</p>`;
  return html`<form method="post">${problem}<input type="hidden" name="token" value="${token}">${content}</form>`;
}
