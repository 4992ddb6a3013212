import { type DifyConnection, difyConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';

/** Returns the connection to the configured Dify or to an embedded one. Rejects with `config_invalid`. */
export async function openUpstream(
  config: Config,
): Promise<{ readonly connection: DifyConnection; readonly close: () => Promise<void> }> {
  const { config: reached, close } = await withSandbox(config);
  return { connection: difyConnection(reached), close };
}

/** Starts an embedded Dify if the configuration asks for one. Returns a configuration that reaches it. */
export async function withSandbox(
  config: Config,
): Promise<{ readonly config: Config; readonly close: () => Promise<void> }> {
  const { sandbox: tools, ...rest } = config;
  if (tools === undefined) return { config, close: async () => undefined };
  const { createSandbox } = await import('../sandbox/sandbox.ts');
  const sandbox = await createSandbox({ tools });
  const { innerApiKey, workspaceId, adminApiKey, secretKey } = sandbox.credentials;
  const dify = { apiUrl: sandbox.url, innerApiKey, workspaceId, adminApiKey, secretKey, userId: '' };
  return { config: { ...rest, dify }, close: () => sandbox.close() };
}
