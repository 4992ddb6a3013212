import { withSandbox } from '../../app/upstream.ts';
import { openAccount } from '../../app/road.ts';
import {
  type AccountConnection,
  configSecrets,
  type DifyConnection,
  difyConnection,
} from '../../config/connection.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { accountRoadError } from '../../dify/account/account-session.ts';
import { createConsole } from '../../dify/console/console.ts';
import { createDifyHttp, type DifyHttp } from '../../dify/wire/http.ts';
import { probeInnerKey, probeVersion, type VersionProbe } from '../../dify/inner/probe.ts';
import { BridgeError } from '../../model/errors.ts';
import { Secrets } from '../../model/secrets.ts';
import { credentialsFinding } from '../credentials.ts';
import {
  appFinding,
  catalogueFinding,
  clockFinding,
  configurationFinding,
  failure,
  type Finding,
  pass,
  signingFinding,
  skip,
  versionFinding,
  workspaceFinding,
} from '../doctor-checks.ts';
import { redisFinding, storeFinding } from '../doctor-files.ts';
import { portFinding } from '../doctor-port.ts';
import { untilInterrupted } from '../interrupt.ts';
import { wrap } from '../layout.ts';
import { onlyListing } from '../ready-tools.ts';
import { count, type Output, type Style } from '../output.ts';
import { type CommandContext, configOf, loggerOf } from '../session.ts';

/** One step of the way to a tool, and its finding. */
interface Check extends Finding {
  readonly name: string;
}

const REMOTE = ['address', 'version', 'inner key', 'workspace', 'catalogue', 'file signing', 'clock'];
const ACCOUNT = ['address', 'version', 'road', 'workspace', 'app', 'catalogue'];

export async function run(context: CommandContext): Promise<number> {
  const { io, output } = context;
  return untilInterrupted(io, async (signal) => {
    const checks: Check[] = [];
    for await (const check of runChecks(context, signal)) {
      signal.throwIfAborted();
      checks.push(check);
      if (!output.json) output.raw(render(check, output));
    }
    const failures = checks.filter(({ status }) => status === 'fail').length;
    const warnings = checks.filter(({ status }) => status === 'warn').length;
    output.data({ ok: failures === 0, checks }, () => output.prose(verdict(failures, warnings)));
    return Math.max(0, ...checks.map(({ exit }) => exit ?? 0));
  });
}

async function* runChecks(context: CommandContext, signal: AbortSignal): AsyncGenerator<Check, void> {
  let loaded: LoadedConfig;
  try {
    loaded = await configOf(context);
  } catch (error) {
    yield { name: 'configuration', ...failure(error) };
    yield* skipped(['file store', ...REMOTE, 'port']);
    return;
  }
  yield { name: 'configuration', ...configurationFinding(loaded) };
  const redis = await redisFinding(loaded.config);
  if (redis !== undefined) yield { name: 'redis', ...redis };
  if (redis?.status === 'fail') yield* skipped(['file store']);
  else yield { name: 'file store', ...(await storeFinding(loaded.config)) };
  // Every check uses the same sandbox.
  const target = await withSandbox(loaded.config);
  const connection = difyConnection(target.config);
  const secrets = new Secrets(configSecrets(target.config));
  const http = createDifyHttp({ baseUrl: connection.apiUrl, secrets });
  try {
    yield* remoteChecks(context, { ...loaded, config: target.config }, connection, http, signal);
    yield { name: 'port', ...(await portFinding(loaded.config.http, signal)) };
  } finally {
    await http.close();
    await target.close();
  }
}

async function* remoteChecks(
  context: CommandContext,
  loaded: LoadedConfig,
  connection: DifyConnection,
  http: DifyHttp,
  signal: AbortSignal,
): AsyncGenerator<Check, void> {
  let probe: VersionProbe;
  try {
    probe = await probeVersion(http, signal);
  } catch (error) {
    const named = connection.account !== undefined && error instanceof BridgeError;
    yield { name: 'address', ...failure(named ? accountRoadError(error) : error) };
    yield* skipped((connection.account === undefined ? REMOTE : ACCOUNT).slice(1));
    return;
  }
  const checkedAt = new Date();
  yield { name: 'address', ...pass(`Dify answers at ${connection.apiUrl}.`) };
  yield { name: 'version', ...versionFinding(probe) };
  if (connection.account !== undefined) {
    yield* accountChecks(context, loaded, connection, http, signal);
    return;
  }

  const { innerApiKey, workspaceId: tenantId } = connection;
  const innerKey = await probeInnerKey(http, { innerApiKey, tenantId }, signal).then(
    () => pass('Dify accepts DIFY_INNER_API_KEY for this workspace.'),
    failure,
  );
  yield { name: 'inner key', ...innerKey };

  const workspace =
    connection.console === undefined
      ? skip(
          'Without DIFY_ADMIN_API_KEY or a login, the bridge lists nothing: the tools come from the manifest.',
        )
      : await workspaceFinding(createConsole(http, connection.console), connection.console, signal);
  yield { name: 'workspace', ...workspace };
  // A second login after a refused one would bring the account closer to a lock.
  if (workspace.status === 'fail') yield* skipped(['catalogue']);
  else yield* publishedChecks(context, loaded, signal);
  yield { name: 'file signing', ...(await signingFinding(http, connection, signal)) };
  yield { name: 'clock', ...clockFinding(probe.serverDate, checkedAt) };
}

async function* accountChecks(
  context: CommandContext,
  loaded: LoadedConfig,
  connection: AccountConnection,
  http: DifyHttp,
  signal: AbortSignal,
): AsyncGenerator<Check, void> {
  const { console, app } = openAccount(http, connection);
  const { console: credential } = connection;
  const who = credential.kind === 'admin-key' ? "the workspace's owner (admin key)" : credential.email;
  yield { name: 'road', ...pass(`account: tools are called over the console API, as ${who}.`) };
  const workspace = await workspaceFinding(console, credential, signal);
  yield { name: 'workspace', ...workspace };
  // A second login after a refused one would bring the account closer to a lock.
  if (workspace.status === 'fail') {
    yield* skipped(['app', 'catalogue']);
    return;
  }
  yield { name: 'app', ...(await appFinding(app, connection.account.createApp, signal)) };
  yield* publishedChecks(context, loaded, signal);
}

/** An unreadable manifest already fails when the bridge is assembled. */
async function* publishedChecks(
  context: CommandContext,
  loaded: LoadedConfig,
  signal: AbortSignal,
): AsyncGenerator<Check, void> {
  try {
    // An earlier check covers the folder of files, and this check must not create it.
    const app = await context.io.createApp(onlyListing(loaded.config), { logger: loggerOf(loaded, true) });
    try {
      yield { name: 'catalogue', ...(await catalogueFinding(app, signal)) };
      const registry = app.registry.current();
      const credentials = registry && (await credentialsFinding(app, registry, signal));
      if (credentials !== undefined) yield { name: 'credentials', ...credentials };
    } finally {
      await app.close(0);
    }
  } catch (error) {
    yield { name: 'catalogue', ...failure(error) };
  }
}

function skipped(names: readonly string[]): readonly Check[] {
  return names.map((name) => ({ name, ...skip('Skipped because an earlier check failed.') }));
}

const STYLES: Readonly<Record<Finding['status'], Style>> = {
  pass: 'green',
  warn: 'yellow',
  fail: 'red',
  skip: 'dim',
};

function render({ name, status, message, details = [], fix }: Check, output: Output): string {
  const first = `${output.paint(STYLES[status], status)}  ${output.paint('bold', name)}: ${message}`;
  const rest = [
    ...details.flatMap((text) =>
      text.split('\n').map((line, index) => `      ${index === 0 ? '-' : ' '} ${line}`),
    ),
    ...(fix ?? '').split('\n').flatMap((line) => (line === '' ? [] : [`      fix: ${line}`])),
  ];
  return [wrap(first, output.width, 6), ...rest.map(output.prose)].join('\n');
}

function verdict(failures: number, warnings: number): string {
  if (failures > 0) return `\n${count(failures, 'check')} failed. Fix the first one and run doctor again.`;
  return warnings === 0
    ? '\nAll checks passed.'
    : `\nThe bridge can work; ${count(warnings, 'warning')} above.`;
}
