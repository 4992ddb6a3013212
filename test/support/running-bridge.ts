import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type App, createApp } from '../../src/app/app.ts';
import { configSecrets } from '../../src/config/connection.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { Secrets } from '../../src/model/secrets.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type ClientKind, connectClient, type TestClient } from './mcp-clients.ts';

/** The ways from a client to a bridge in this process. */
export const TRANSPORTS = ['HTTP', 'stdio'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** A whole bridge as `serve` makes it from its settings, with the log of its life. */
export interface RunningBridge extends AsyncDisposable {
  readonly app: App;
  readonly config: Config;
  /** Log lines at every level, as standard error would contain them. */
  readonly log: readonly string[];
  /** Address of the MCP endpoint; serving begins with the first call. */
  url(): Promise<string>;
  /** Connects a client, which is closed with the bridge. */
  connect(kind: ClientKind, transport?: TransportName): Promise<TestClient>;
}

export interface BridgeSettings {
  /** Variables of the environment, over a small one without any setting of this machine. */
  readonly env: Readonly<Record<string, string>>;
  /** The text of a configuration file. */
  readonly file?: string;
  /** The text that the file has when the bridge reloads. */
  readonly reloaded?: string;
  /** Begins to load the catalogue; true unless told. */
  readonly start?: boolean;
  /** Arguments may name files of this machine, as where a person starts the bridge. */
  readonly localFiles?: boolean;
}

const NOWHERE = join(tmpdir(), 'dify-mcp-bridge-without-home');

/** Makes a bridge from environment variables. It serves a free loopback port, or streams in place of stdio. */
export async function startBridge({
  env,
  file,
  reloaded,
  start = true,
  localFiles = false,
}: BridgeSettings): Promise<RunningBridge> {
  const variables = {
    HOME: NOWHERE,
    XDG_CONFIG_HOME: NOWHERE,
    DIFY_BRIDGE_PORT: '0',
    DIFY_BRIDGE_FILES_STORE: 'memory',
    // So that a list has the tools of Dify alone.
    DIFY_BRIDGE_TOOLS_HAND_OFF: 'off',
    ...env,
  };
  const config = await configure(variables, file);
  const log: string[] = [];
  const destination = { write: (line: string) => void log.push(line) };
  const secrets = new Secrets(configSecrets(config));
  const logger = createLogger({ level: 'debug', destination, secrets });
  const app = await createApp(config, {
    logger,
    secrets,
    localFiles,
    isServer: true,
    reload: reloaded === undefined ? undefined : () => configure(variables, reloaded),
  });
  const clients: TestClient[] = [];
  let served: ReturnType<App['serveHttp']> | undefined;
  if (start) app.start();

  const url = async (): Promise<string> => {
    served ??= app.serveHttp();
    return (await served).url;
  };
  return {
    app,
    config,
    log,
    url,
    async connect(kind, transport = 'HTTP') {
      let client: TestClient;
      if (transport === 'HTTP') {
        const { token } = config.http;
        client = await connectClient(kind, { url: await url(), ...(token === undefined ? {} : { token }) });
      } else {
        const ends = { stdin: new PassThrough(), stdout: new PassThrough() };
        void app.serveStdio(ends);
        client = await connectClient(kind, ends);
      }
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      // A client that a test has closed already, or that lost its bridge, has nothing left to say.
      for (const client of clients) await client.close().catch(() => undefined);
      await app.close(0);
    },
  };
}

async function configure(env: Record<string, string>, text: string | undefined): Promise<Config> {
  if (text === undefined) return (await loadConfig({ env, needsDify: true })).config;
  const folder = await mkdtemp(join(tmpdir(), 'bridge-config-'));
  try {
    const file = join(folder, 'config.yaml');
    await writeFile(file, text);
    return (await loadConfig({ env, file, needsDify: true })).config;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The ways of listing tools. */
export const CONSOLE_WAYS = ['admin key', 'login'] as const;
export type ConsoleWay = (typeof CONSOLE_WAYS)[number];

/** The settings that lead a bridge to a sandbox as an account. */
export function accountEnv(
  { url, credentials }: Pick<Sandbox, 'url' | 'credentials'>,
  way: ConsoleWay = 'login',
): Record<string, string> {
  const { workspaceId, adminApiKey, email, password } = credentials;
  return {
    DIFY_URL: url,
    DIFY_CREATE_APP: 'true',
    ...(way === 'admin key'
      ? { DIFY_ADMIN_API_KEY: adminApiKey, DIFY_WORKSPACE_ID: workspaceId }
      : { DIFY_EMAIL: email, DIFY_PASSWORD: password }),
  };
}

/** The settings that lead a bridge to a sandbox. */
export function sandboxEnv(
  { url, credentials }: Pick<Sandbox, 'url' | 'credentials'>,
  way: ConsoleWay = 'admin key',
): Record<string, string> {
  const { innerApiKey, workspaceId, adminApiKey, email, password, secretKey } = credentials;
  return {
    DIFY_API_URL: url,
    DIFY_INNER_API_KEY: innerApiKey,
    DIFY_WORKSPACE_ID: workspaceId,
    DIFY_SECRET_KEY: secretKey,
    ...(way === 'admin key'
      ? { DIFY_ADMIN_API_KEY: adminApiKey }
      : { DIFY_EMAIL: email, DIFY_PASSWORD: password }),
  };
}
