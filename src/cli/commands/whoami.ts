import { openOperatorTokens } from '../../app/operator-login.ts';
import { openAccount } from '../../app/road.ts';
import { configSecrets, type DifyConnection, difyConnection } from '../../config/connection.ts';
import type { Config } from '../../config/schema.ts';
import { workspaceTexts } from '../../config/workspace-texts.ts';
import { createConsole } from '../../dify/console/console.ts';
import { createConsoleSession } from '../../dify/console/session.ts';
import { currentRole } from '../../dify/console/sign-in.ts';
import { createDifyHttp, type DifyHttp } from '../../dify/wire/http.ts';
import { readLogins } from '../../logins/login-file.ts';
import { isSameLogin, type StoredLogin } from '../../logins/stored-login.ts';
import { asBridgeError, BridgeError } from '../../model/errors.ts';
import { Secrets } from '../../model/secrets.ts';
import { untilInterrupted } from '../interrupt.ts';
import { ageOf, endOf, endText } from '../login-facts.ts';
import { type CommandContext, configOf, storedLogins } from '../session.ts';

const CREDENTIALS = {
  'admin-key': 'the admin key',
  login: 'e-mail and password',
  stored: 'a stored login',
} as const;

export function run(context: CommandContext): Promise<number> {
  return untilInterrupted(context.io, async (signal) => {
    const { config } = await configOf(context);
    if (config.sandbox !== undefined) throw new BridgeError('usage', 'The sandbox has no account of yours.');
    const connection = difyConnection(config);
    const all = await readLogins(storedLogins(context).file);
    const used = config.login;
    const login = used && all.find((one) => isSameLogin(one, used));
    const others = all.filter((one) => one !== login);
    const http = createDifyHttp({
      baseUrl: connection.apiUrl,
      secrets: new Secrets(configSecrets(config)),
    });
    try {
      const asked = await ask(http, config, connection, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        return { error: asBridgeError(error), workspace: undefined, role: undefined };
      });
      show(context, { config, connection, login, others, version: http.version(), asked });
      if (asked.error === undefined) return 0;
      context.output.error(asked.error.withTexts(workspaceTexts(config) ?? String));
      return asked.error.rule.exit;
    } finally {
      await http.close();
    }
  });
}

interface Asked {
  readonly error?: BridgeError | undefined;
  readonly workspace: { readonly id: string; readonly name: string } | undefined;
  readonly role: string | undefined;
}

/** Asks Dify where the account is. */
async function ask(
  http: DifyHttp,
  config: Config,
  connection: DifyConnection,
  signal: AbortSignal,
): Promise<Asked> {
  if (connection.account === undefined) {
    if (connection.console === undefined) return { workspace: undefined, role: undefined };
    const session = createConsoleSession(http, connection.console);
    const console = createConsole(http, connection.console, undefined, session);
    return { workspace: await console.currentWorkspace(signal), role: await currentRole(session, signal) };
  }
  const { tokens, close } = await openOperatorTokens(config, connection);
  try {
    const { session, console } = openAccount(http, connection, undefined, tokens);
    return { workspace: await console.currentWorkspace(signal), role: await currentRole(session, signal) };
  } finally {
    await close();
  }
}

interface Facts {
  readonly config: Config;
  readonly connection: DifyConnection;
  readonly login: StoredLogin | undefined;
  readonly others: readonly StoredLogin[];
  readonly version: string | undefined;
  readonly asked: Asked;
}

function show(
  { output }: CommandContext,
  { config, connection, login, others, version, asked }: Facts,
): void {
  const kind = connection.console?.kind;
  const account =
    kind === 'admin-key' ? "the workspace's owner" : kind === undefined ? undefined : config.dify.email;
  const stored = login && { id: login.workspaceId, name: login.workspaceName };
  const workspace = asked.workspace ?? stored;
  const endsAt = login && endOf(login);
  const facts = {
    url: connection.apiUrl,
    version: version ?? null,
    account: account ?? null,
    workspace: workspace === undefined ? null : { id: workspace.id, name: workspace.name },
    role: asked.role ?? null,
    road: connection.account === undefined ? 'inner' : 'account',
    credentials: kind === undefined ? 'none' : CREDENTIALS[kind],
    signedInAt: login?.signedInAt.toISOString() ?? null,
    endsAt: endsAt?.toISOString() ?? null,
    others: others.map(({ url, email, workspaceName }) => ({ url, email, workspace: workspaceName })),
  };
  output.data(facts, () => {
    const lines: [string, string | null | undefined][] = [
      ['Dify', `${facts.url}${version === undefined ? '' : `, version ${version}`}`],
      ['account', facts.account],
      ['workspace', workspace && `${workspace.name} (${workspace.id})`],
      ['role', facts.role],
      ['road', facts.road],
      ['credentials', facts.credentials],
      ['signed in', login && `${ageOf(login)} ago`],
      ['ends', login && endText(login)],
      ...others.map(({ url, email, workspaceName }): [string, string] => [
        'also stored',
        `${url} as ${email} (${workspaceName})`,
      ]),
    ];
    return lines
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => `${`${name}:`.padEnd(13)} ${value}`)
      .join('\n');
  });
}
