import { openOperatorTokens } from '../../app/operator-login.ts';
import { withSandbox } from '../../app/upstream.ts';
import {
  configSecrets,
  type DifyConnection,
  difyConnection,
  isWithoutTools,
} from '../../config/connection.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { workspaceTexts } from '../../config/workspace-texts.ts';
import { accountRoadError } from '../../dify/account/account-session.ts';
import { createConsole } from '../../dify/console/console.ts';
import { createDifyHttp, type DifyHttp } from '../../dify/wire/http.ts';
import { probeInnerKey, probeVersion, type VersionProbe } from '../../dify/inner/probe.ts';
import { BridgeError } from '../../model/errors.ts';
import { Secrets } from '../../model/secrets.ts';
import { credentialsFinding } from '../credentials.ts';
import {
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
import { accessChecks, signInFinding } from '../doctor-access.ts';
import { accountChecks, type RunTool, skipped, type Step } from '../doctor-account.ts';
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

const REMOTE = ['version', 'inner key', 'workspace', 'catalogue', 'file signing', 'clock'];
const ACCOUNT = ['version', 'login', 'workspace', 'role', 'app', 'catalogue', 'run', 'file'];

export async function run(context: CommandContext): Promise<number> {
  const { io, output } = context;
  return untilInterrupted(io, async (signal) => {
    const checks: Check[] = [];
    for await (const step of runChecks(context, signal)) {
      signal.throwIfAborted();
      const { names, ...finding } = step;
      checks.push(...names.map((name) => ({ name, ...finding })));
      if (!output.json) output.raw(render(step, output));
    }
    const failures = checks.filter(({ status }) => status === 'fail').length;
    const warnings = checks.filter(({ status }) => status === 'warn').length;
    output.data({ ok: failures === 0, checks }, () => output.prose(verdict(failures, warnings)));
    return Math.max(0, ...checks.map(({ exit }) => exit ?? 0));
  });
}

async function* runChecks(context: CommandContext, signal: AbortSignal): AsyncGenerator<Step, void> {
  let loaded: LoadedConfig;
  try {
    loaded = await configOf(context);
  } catch (error) {
    yield { names: ['configuration'], ...failure(error) };
    yield skipped(['file store', 'address', ...REMOTE, 'port'], 'the configuration');
    return;
  }
  yield { names: ['configuration'], ...configurationFinding(loaded) };
  const redis = await redisFinding(loaded.config);
  if (redis !== undefined) yield { names: ['redis'], ...redis };
  if (redis?.status === 'fail') yield skipped(['file store'], 'redis');
  else yield { names: ['file store'], ...(await storeFinding(loaded.config)) };
  yield* accessChecks(loaded.config);
  // Every check uses the same sandbox.
  const target = await withSandbox(loaded.config);
  const connection = difyConnection(target.config);
  const secrets = new Secrets(configSecrets(target.config));
  const http = createDifyHttp({ baseUrl: connection.apiUrl, secrets });
  try {
    const text = workspaceTexts(loaded.config) ?? String;
    for await (const step of remoteChecks(
      context,
      { ...loaded, config: target.config },
      connection,
      http,
      signal,
    )) {
      const { message, details, fix } = step;
      yield { ...step, message: text(message), details: details?.map(text), fix: fix && text(fix) };
    }
    yield { names: ['port'], ...(await portFinding(loaded.config.http, signal)) };
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
): AsyncGenerator<Step, void> {
  let probe: VersionProbe;
  try {
    probe = await probeVersion(http, signal);
  } catch (error) {
    const named = connection.account !== undefined && error instanceof BridgeError;
    yield { names: ['address'], ...failure(named ? accountRoadError(error) : error) };
    yield skipped(connection.account === undefined ? REMOTE : ACCOUNT, 'the address');
    return;
  }
  const checkedAt = new Date();
  yield { names: ['address'], ...pass(`Dify answers at ${connection.apiUrl}.`) };
  yield { names: ['version'], ...versionFinding(probe) };
  const { signIn, http: serving } = loaded.config;
  if (signIn.key !== undefined && serving.publicUrl !== undefined) {
    yield { names: ['sign-in'], ...(await signInFinding(http, serving.publicUrl)) };
  }
  if (isWithoutTools(connection)) return;
  if (connection.account !== undefined) {
    const published = (run?: RunTool) => publishedChecks(context, loaded, signal, run);
    const { tokens, close } = await openOperatorTokens(loaded.config, connection);
    try {
      yield* accountChecks(http, connection, published, signal, tokens);
    } finally {
      await close();
    }
    return;
  }

  const { innerApiKey, workspaceId: tenantId } = connection;
  const innerKey = await probeInnerKey(http, { innerApiKey, tenantId }, signal).then(
    () => pass('Dify accepts DIFY_INNER_API_KEY for this workspace.'),
    failure,
  );
  yield { names: ['inner key'], ...innerKey };

  const workspace =
    connection.console === undefined
      ? skip(
          'Without DIFY_ADMIN_API_KEY or a login, the bridge lists nothing: the tools come from the manifest.',
        )
      : await workspaceFinding(createConsole(http, connection.console), connection.console, signal);
  yield { names: ['workspace'], ...workspace };
  // A second login after a refused one would bring the account closer to a lock.
  if (workspace.status === 'fail') yield skipped(['catalogue'], 'the workspace');
  else yield* publishedChecks(context, loaded, signal);
  // Without the secret key, the inner key decides.
  if (innerKey.status === 'fail' && connection.secretKey === undefined)
    yield skipped(['file signing'], 'the inner key');
  else yield { names: ['file signing'], ...(await signingFinding(http, connection, signal)) };
  yield { names: ['clock'], ...clockFinding(probe.serverDate, checkedAt) };
}

/** An unreadable manifest already fails when the bridge is assembled. */
async function* publishedChecks(
  context: CommandContext,
  loaded: LoadedConfig,
  signal: AbortSignal,
  run?: RunTool,
): AsyncGenerator<Step, void> {
  try {
    // An earlier check covers the folder of files, and this check must not create it.
    const app = await context.io.createApp(onlyListing(loaded.config), { logger: loggerOf(loaded, true) });
    try {
      yield { names: ['catalogue'], ...(await catalogueFinding(app, signal)) };
      const registry = app.registry.current();
      const credentials = registry && (await credentialsFinding(app, registry, signal));
      if (credentials !== undefined) yield { names: ['credentials'], ...credentials };
      if (run !== undefined) {
        yield registry === undefined ? skipped(['run'], 'the catalogue') : await run(app, registry);
      }
    } finally {
      await app.close(0);
    }
  } catch (error) {
    yield { names: ['catalogue'], ...failure(error) };
  }
}

const STYLES: Readonly<Record<Finding['status'], Style>> = {
  pass: 'green',
  warn: 'yellow',
  fail: 'red',
  skip: 'dim',
};

function render({ names, status, message, details = [], fix }: Step, output: Output): string {
  const first = `${output.paint(STYLES[status], status)}  ${output.paint('bold', names.join(', '))}: ${message}`;
  const rest = [
    ...details.flatMap((text) =>
      text.split('\n').map((line, index) => `      ${index === 0 ? '-' : ' '} ${line}`),
    ),
    ...(fix ?? '').split('\n').flatMap((line) => (line === '' ? [] : [`      fix: ${line}`])),
  ];
  return [wrap(first, output.width, 6), ...rest.map((line) => output.prose(line))].join('\n');
}

function verdict(failures: number, warnings: number): string {
  if (failures > 0)
    return `\n${count(failures, 'check')} failed. Fix the first one and run dify-mcp-bridge doctor again.`;
  return warnings === 0
    ? '\nAll checks passed.'
    : `\nThe bridge can work; ${count(warnings, 'warning')} above.`;
}
