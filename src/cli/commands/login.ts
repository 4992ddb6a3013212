import { resolve } from 'node:path';
import { configFilePath } from '../../config/places.ts';
import { sendEmailCode } from '../../dify/console/sign-in.ts';
import { loginsFile } from '../../logins/login-file.ts';
import { BridgeError } from '../../model/errors.ts';
import { chooseDify, type SignedIn, signIn } from '../../setup/sign-in.ts';
import type { SignInTalk } from '../../setup/sign-in-talk.ts';
import { untilInterrupted } from '../interrupt.ts';
import { canAsk } from '../io.ts';
import { count } from '../output.ts';
import { ownCommand } from '../own-command.ts';
import type { CommandContext } from '../session.ts';
import { type SignInFlags, signInAnswers } from '../sign-in-answers.ts';

interface LoginOptions extends SignInFlags {
  readonly sendCode?: true | undefined;
}

export async function run(context: CommandContext, options: LoginOptions, url?: string): Promise<number> {
  const { io, output } = context;
  const file = loginsFile(resolve(configFilePath(context.options.config, io.env).path));
  const given = signInAnswers(io, options, url);
  const asker = canAsk(io) && !output.json ? await io.createPrompter() : undefined;
  return untilInterrupted(io, async (signal) => {
    const { note, error: show } = output;
    const talk: SignInTalk = { asker, given, file, signal, note, show };
    if (options.sendCode === true) return sendCode(context, talk);
    report(context, file, await signIn(talk));
    return 0;
  });
}

function report({ io, output, options }: CommandContext, file: string, done: SignedIn): void {
  const { login, role, version, tools } = done;
  const { url, email, workspaceId: id, workspaceName: name } = login;
  const config = options.config === undefined ? '' : ` --config ${JSON.stringify(options.config)}`;
  const next = ownCommand(io, `install claude-desktop${config}`);
  const workspace = { id, name };
  const facts = { url, version: version ?? null, email, workspace, role: role ?? null, tools, file, next };
  output.data(facts, () =>
    [
      `Signed in to ${url} as ${email}${role === undefined ? '' : ` (${role})`}, in "${name}": ${count(tools, 'tool')}.`,
      `The login is stored in ${file}, readable only by you. The password is not stored.`,
      `Next: ${next}`,
    ]
      .map(output.prose)
      .join('\n'),
  );
}

/** Without a terminal, the code needs a second run. */
async function sendCode({ io, output }: CommandContext, talk: SignInTalk): Promise<number> {
  const { url, email } = talk.given;
  if (url === undefined || email === undefined) {
    throw new BridgeError('usage', '--send-code needs the address of Dify and --email.');
  }
  const dify = await chooseDify({ ...talk, asker: undefined });
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
