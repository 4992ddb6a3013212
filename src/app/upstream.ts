import { type DifyConnection, difyConnection } from '../config/connection.ts';
import type { SandboxSet } from '../config/layers.ts';
import type { Config } from '../config/schema.ts';

export interface Upstream {
  readonly connection: DifyConnection;
  close(): Promise<void>;
}

/** Returns the configured Dify, or starts an embedded one. Rejects with `config_invalid`. */
export async function openUpstream(config: Config): Promise<Upstream> {
  return config.sandbox === undefined
    ? { connection: difyConnection(config), close: async () => undefined }
    : embedded(config.sandbox);
}

async function embedded(tools: SandboxSet): Promise<Upstream> {
  const { createSandbox } = await import('../sandbox/sandbox.ts');
  const sandbox = await createSandbox({ tools });
  const { innerApiKey, workspaceId, adminApiKey, secretKey } = sandbox.credentials;
  return {
    connection: {
      apiUrl: sandbox.url,
      innerApiKey,
      workspaceId,
      console: { kind: 'admin-key', key: adminApiKey, workspaceId },
      secretKey,
      userId: '',
    },
    close: () => sandbox.close(),
  };
}
