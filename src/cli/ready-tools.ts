import type { Config } from '../config/schema.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { StoredLogin } from '../logins/stored-login.ts';
import { isSameLogin } from '../logins/stored-login.ts';
import { asBridgeError } from '../model/errors.ts';
import { type CommandContext, configOf, warnOfUnlisted, withTools } from './session.ts';

/** The tools that clients get, and how many of them have no credentials in Dify. */
export interface ReadyTools {
  readonly tools: number;
  readonly unusable: number;
}

/** Variables that answer the questions of a sign-in, and do not configure the bridge afterwards. */
const ANSWERS = ['URL', 'EMAIL', 'PASSWORD', 'PASSWORD_FILE', 'WORKSPACE_ID'].map((name) => `DIFY_${name}`);

/** Returns a configuration that loads the tools and leaves nothing behind. */
export function onlyListing(config: Config): Config {
  const { dir: _folder, ...files } = config.files;
  return { ...config, files: { ...files, store: 'memory' }, state: {} };
}

/** Returns the context as later commands have it, without the answers of this sign-in. */
function withoutAnswers(context: CommandContext): CommandContext {
  const env = { ...context.io.env };
  for (const name of ANSWERS) delete env[name];
  return { ...context, io: { ...context.io, env } };
}

/** Lists the tools that clients get, and warns if they do not come from the new login. */
export async function toolsOfLogin(
  context: CommandContext,
  login: StoredLogin,
): Promise<ReadyTools | undefined> {
  const later = withoutAnswers(context);
  const loaded = await configOf(later).catch((error: unknown) => asBridgeError(error));
  const isUsed =
    !(loaded instanceof Error) &&
    loaded.config.login !== undefined &&
    isSameLogin(loaded.config.login, login);
  if (!isUsed) {
    const reason =
      loaded instanceof Error ? loaded.message : `These settings come first: ${otherWays(loaded)}.`;
    context.output.warn(`The login is stored, but the bridge does not use it. ${reason}`);
  }
  return loaded instanceof Error ? undefined : readyTools(later);
}

/** Returns the settings about Dify, each as its author knows it. */
function otherWays({ settings, file }: LoadedConfig): string {
  const given = settings.filter(({ setting }) => setting.path.startsWith('dify.'));
  const variables = given.filter(({ source }) => source.startsWith('env '));
  const inFile = given.filter(({ source }) => source.startsWith('file '));
  return [
    ...variables.map(({ source }) => source.slice('env '.length)),
    ...(inFile.length === 0 ? [] : [`${inFile.map(({ setting }) => setting.path).join(', ')} in ${file}`]),
  ].join(', ');
}

/** Lists the tools that clients get. Warns, and resolves with undefined, if they cannot be listed. */
export async function readyTools(context: CommandContext): Promise<ReadyTools | undefined> {
  const { output } = context;
  let ready: ReadyTools | undefined;
  const list = withTools(
    context,
    ({ app, registry }) => {
      warnOfUnlisted({ app }, output);
      const { tools } = registry;
      ready = { tools: tools.length, unusable: tools.filter(({ authorized }) => !authorized).length };
      return 0;
    },
    { adjust: onlyListing },
  );
  await list.catch((error: unknown) =>
    output.warn(`The tools could not be listed. ${asBridgeError(error).toText()}`),
  );
  return ready;
}

/** Returns how many tools are ready, as a sentence; undefined if that is unknown. */
export function readyText(ready: ReadyTools | undefined): string | undefined {
  if (ready === undefined) return undefined;
  const { tools, unusable } = ready;
  const verb = unusable === 1 ? 'needs' : 'need';
  const rest = unusable === 0 ? '' : ` (${unusable} ${verb} credentials in Dify)`;
  return `${tools} ${tools === 1 ? 'tool is' : 'tools are'} ready${rest}.`;
}
