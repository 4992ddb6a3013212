import { sendEmailCode } from '../../dify/console/sign-in.ts';
import { BridgeError } from '../../model/errors.ts';
import { chooseDify, type SignedIn, signIn } from '../../setup/sign-in.ts';
import type { SignInTalk } from '../../setup/sign-in-talk.ts';
import { likelyClient } from './install.ts';
import { INTERRUPTED, untilInterrupted } from '../interrupt.ts';
import { canAsk } from '../io.ts';
import { configWords, ownCommand } from '../typed.ts';
import type { Prompter } from '../prompter.ts';
import { type ReadyTools, readyText, toolsOfLogin } from '../ready-tools.ts';
import { type CommandContext, storedLogins } from '../session.ts';
import { type SignInFlags, signInAnswers } from '../sign-in-answers.ts';

interface LoginOptions extends SignInFlags {
  readonly sendCode?: true | undefined;
}

export async function run(context: CommandContext, options: LoginOptions, url?: string): Promise<number> {
  const { io, output } = context;
  const prompter = canAsk(io) && !output.json ? await io.createPrompter() : undefined;
  if (prompter !== undefined) output.continueFrame(prompter.bar);
  if (options.sendCode === true) {
    return untilInterrupted(io, (signal) => sendCode(context, talkOf(context, options, { url, signal })));
  }
  const done = await logIn(context, options, { url, prompter });
  if (done === INTERRUPTED) return INTERRUPTED;
  report(context, done, ownCommand(io, `install ${likelyClient(context)}${configWords(context)}`));
  return 0;
}

/** A stored login, and the tools that it reaches. */
export interface Login extends SignedIn {
  readonly file: string;
  readonly ready: ReadyTools | undefined;
}

/** Signs in and stores the login. Asks the prompter, if there is one. */
export async function logIn(
  context: CommandContext,
  flags: SignInFlags,
  { url, prompter }: { readonly url?: string | undefined; readonly prompter?: Prompter | undefined },
): Promise<Login | typeof INTERRUPTED> {
  const done = await untilInterrupted(context.io, async (signal) => {
    const talk = talkOf(context, flags, { url, prompter, signal });
    return { ...(await signIn(talk)), file: talk.file };
  });
  return done === INTERRUPTED ? done : { ...done, ready: await toolsOfLogin(context, done.login) };
}

function talkOf(
  context: CommandContext,
  flags: SignInFlags,
  more: {
    readonly url: string | undefined;
    readonly prompter?: Prompter | undefined;
    readonly signal: AbortSignal;
  },
): SignInTalk {
  const { note, error: show } = context.output;
  const { file } = storedLogins(context);
  const given = signInAnswers(context.io, flags, more.url);
  return { asker: more.prompter, given, file, signal: more.signal, note, show };
}

/** Prints who has signed in, how many tools there are, and the next command. */
export function report({ output }: CommandContext, done: Login, next: string | undefined): void {
  const { login, role, version, ready, file } = done;
  const { url, email, workspaceId: id, workspaceName: name } = login;
  const workspace = { id, name };
  const facts = {
    url,
    version: version ?? null,
    email,
    workspace,
    role: role ?? null,
    file,
    next: next ?? null,
  };
  output.data({ ...facts, tools: ready?.tools ?? null, unusable: ready?.unusable ?? null }, () =>
    output.lines([
      `Signed in to ${url} as ${email}${role === undefined ? '' : ` (${role})`}, in "${name}".`,
      `The login is stored in ${file}, readable only by you. The password is not stored.`,
      readyText(ready),
      next && `Next: ${next}`,
    ]),
  );
}

/** Without a terminal, the code needs a second run. */
async function sendCode({ io, output }: CommandContext, talk: SignInTalk): Promise<number> {
  const { url, email } = talk.given;
  if (url === undefined || email === undefined) {
    throw new BridgeError('usage', '--send-code needs the address of Dify and --email.');
  }
  const dify = await chooseDify(talk);
  try {
    const codeToken = await sendEmailCode(dify.http, email, talk.signal);
    const words = `login ${dify.url} --email ${email} --code-token ${codeToken} --yes --code`;
    output.data({ url: dify.url, email, codeToken }, () =>
      [
        `Dify has sent a code to ${email}. With the code at the end, run:`,
        ownCommand(io, `${words} CODE`),
      ].join('\n'),
    );
    return 0;
  } finally {
    await dify.http.close();
  }
}
