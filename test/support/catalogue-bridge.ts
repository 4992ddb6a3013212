import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type App, createApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import type { Json } from '../../src/model/json.ts';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { type ClientKind, connectClient, type TestClient } from './mcp-clients.ts';
import { type RecordingLogger, recordingLogger } from './recording-logger.ts';

/** A bridge over HTTP with a sandbox behind it, whose configuration file a test rewrites. */
export interface CatalogueBridge extends AsyncDisposable {
  readonly app: App;
  readonly sandbox: Sandbox;
  readonly logger: RecordingLogger;
  /** A folder of its own; removed at the end. */
  readonly folder: string;
  /** Address of the default view; serving begins with the first call. */
  url(): Promise<string>;
  /** Writes the configuration file: JSON, which is YAML as well. */
  write(file: Json): void;
  /** Connects a client to a view, the default one unless named. */
  connect(kind: ClientKind, view?: string): Promise<TestClient>;
  /** Connects a client over streams in place of standard input and output. */
  connectStdio(kind: ClientKind, view?: string): Promise<TestClient>;
}

export interface CatalogueSettings {
  readonly file?: Json;
  /** Leaves out what lists the tools. */
  readonly offline?: boolean;
  /** Lists the tools with a login in place of the admin key. */
  readonly login?: boolean;
  readonly sandbox?: Sandbox;
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** False: the test starts it. */
  readonly start?: boolean;
}

export async function startCatalogueBridge(settings: CatalogueSettings = {}): Promise<CatalogueBridge> {
  const sandbox = settings.sandbox ?? (await createSandbox());
  const folder = settings.folder ?? mkdtempSync(join(tmpdir(), 'bridge-catalogue-'));
  const path = join(folder, 'config.yaml');
  const write = (file: Json): void => writeFileSync(path, JSON.stringify(file));
  write(settings.file ?? {});
  const { innerApiKey, workspaceId, adminApiKey, secretKey, email, password } = sandbox.credentials;
  const listing =
    settings.login === true
      ? { DIFY_EMAIL: email, DIFY_PASSWORD: password }
      : { DIFY_ADMIN_API_KEY: adminApiKey };
  const env = {
    HOME: folder,
    DIFY_API_URL: sandbox.url,
    DIFY_INNER_API_KEY: innerApiKey,
    DIFY_WORKSPACE_ID: workspaceId,
    DIFY_SECRET_KEY: secretKey,
    ...(settings.offline === true ? {} : listing),
    DIFY_BRIDGE_PORT: '0',
    // Tests decide when the tools are listed again.
    DIFY_BRIDGE_CATALOG_REFRESH: '24h',
    ...settings.env,
  };
  const reload = async (): Promise<Config> => (await loadConfig({ env, file: path, needsDify: true })).config;
  const logger = recordingLogger();
  const app = await createApp(await reload(), { logger, reload });
  const clients: TestClient[] = [];
  let served: ReturnType<App['serveHttp']> | undefined;
  const url = async (): Promise<string> => {
    served ??= app.serveHttp();
    return (await served).url;
  };
  const keep = (client: TestClient): TestClient => {
    clients.push(client);
    return client;
  };
  if (settings.start !== false) app.start();
  return {
    app,
    sandbox,
    logger,
    folder,
    url,
    write,
    async connect(kind, view) {
      const address = view === undefined ? await url() : `${await url()}/${view}`;
      return keep(await connectClient(kind, { url: address }));
    },
    async connectStdio(kind, view) {
      const ends = { stdin: new PassThrough(), stdout: new PassThrough() };
      void app.serveStdio({ ...ends, ...(view === undefined ? {} : { view }) });
      return keep(await connectClient(kind, ends));
    },
    async [Symbol.asyncDispose]() {
      // A client whose view is gone has no session to end.
      for (const client of clients) await client.close().catch(() => undefined);
      await app.close(0);
      if (settings.sandbox === undefined) await sandbox.close();
      if (settings.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
