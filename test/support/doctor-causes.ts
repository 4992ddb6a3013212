import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../../src/app/app.ts';
import { formatKeys, keyHash } from '../../src/http/key-file.ts';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { cli } from './fake-cli.ts';
import { freePort } from './free-port.ts';
import { type FrontOptions, startFront, WEB_PAGE } from './front.ts';

/** The setting in which a cause is created. */
export interface Scene {
  readonly sandbox: Sandbox;
  /** An environment with which every check passes. */
  readonly env: Readonly<Record<string, string>>;
  /** Something to close when the test is over. */
  readonly closeLater: (close: () => unknown) => void;
  readonly folder: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** One cause of a failed check. */
export interface Cause {
  /** The problem as the table of problems names it. */
  readonly problem: string;
  /** The first check that fails or warns because of it. */
  readonly check: string;
  readonly status: 'fail' | 'warn';
  readonly exit: number;
  /** Returns the changes of the environment that cause it. */
  readonly make: (scene: Scene) => Promise<Environment> | Environment;
}

const json = (status: number, body: object) => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

const fronted = async ({ sandbox, closeLater }: Scene, options: FrontOptions): Promise<Environment> => {
  const front = await startFront(sandbox.url, options);
  closeLater(() => front[Symbol.asyncDispose]());
  return { DIFY_API_URL: front.url };
};

const login = ({ sandbox }: Scene, password: string): Environment => ({
  DIFY_ADMIN_API_KEY: undefined,
  DIFY_EMAIL: sandbox.credentials.email,
  DIFY_PASSWORD: password,
});

/** The account road, with e-mail and password. */
const account = ({ sandbox, env }: Scene): Environment => ({
  ...Object.fromEntries(Object.keys(env).map((name) => [name, undefined])),
  DIFY_URL: sandbox.url,
  DIFY_EMAIL: sandbox.credentials.email,
  DIFY_PASSWORD: sandbox.credentials.password,
});

/** Writes a configuration file with all settings, and returns the environment that points to it. */
function configFile({ env, folder }: Scene, more: string, mode = 0o600): Environment {
  const path = join(folder, 'bridge.yaml');
  writeFileSync(
    path,
    `dify:
  apiUrl: ${env['DIFY_API_URL']}
  innerApiKey: ${env['DIFY_INNER_API_KEY']}
  workspaceId: ${env['DIFY_WORKSPACE_ID']}
  adminApiKey: ${env['DIFY_ADMIN_API_KEY']}
  secretKey: ${env['DIFY_SECRET_KEY']}
${more}`,
  );
  chmodSync(path, mode);
  const unset = Object.fromEntries(Object.keys(env).map((name) => [name, undefined]));
  return { ...unset, DIFY_BRIDGE_CONFIG: path };
}

export const CAUSES: readonly Cause[] = [
  {
    problem: 'nothing is configured',
    check: 'configuration',
    status: 'fail',
    exit: 2,
    make: ({ env }) => Object.fromEntries(Object.keys(env).map((name) => [name, undefined])),
  },
  {
    problem: 'the inner key is missing',
    check: 'configuration',
    status: 'fail',
    exit: 2,
    make: () => ({ DIFY_INNER_API_KEY: undefined }),
  },
  {
    problem: 'a setting in the file is misspelt',
    check: 'configuration',
    status: 'fail',
    exit: 2,
    make: (scene) => configFile(scene, 'http:\n  prot: 8080\n'),
  },
  {
    problem: 'a `${…}` was never replaced',
    check: 'configuration',
    status: 'fail',
    exit: 2,
    make: () => ({ DIFY_ADMIN_API_KEY: '${user_config.admin_key}' }),
  },
  {
    problem: 'the file of a secret cannot be read',
    check: 'configuration',
    status: 'fail',
    exit: 2,
    make: () => ({ DIFY_SECRET_KEY: undefined, DIFY_SECRET_KEY_FILE: '/run/secrets/none' }),
  },
  {
    problem: 'other users can read the configuration file',
    check: 'configuration',
    status: 'warn',
    exit: 0,
    make: (scene) => configFile(scene, '', 0o644),
  },
  {
    problem: 'Dify uses its public default keys',
    check: 'configuration',
    status: 'warn',
    exit: 4,
    make: () => ({ DIFY_INNER_API_KEY: 'inner-api-key' }),
  },
  {
    problem: 'nothing listens at the address',
    check: 'address',
    status: 'fail',
    exit: 1,
    make: async () => ({ DIFY_API_URL: `http://127.0.0.1:${await freePort()}` }),
  },
  {
    problem: 'the host name does not exist in DNS',
    check: 'address',
    status: 'fail',
    exit: 1,
    make: () => ({ DIFY_API_URL: 'http://dify.invalid:5001' }),
  },
  {
    problem: 'the address has https, but Dify serves http',
    check: 'address',
    status: 'fail',
    exit: 1,
    make: ({ sandbox }) => ({ DIFY_API_URL: sandbox.url.replace('http:', 'https:') }),
  },
  {
    problem: 'the address leads to the web app',
    check: 'address',
    status: 'fail',
    exit: 2,
    make: (scene) => fronted(scene, { answer: () => WEB_PAGE }),
  },
  {
    problem: "the address leads to Dify's nginx",
    check: 'inner key',
    status: 'fail',
    exit: 2,
    make: (scene) =>
      fronted(scene, { answer: ({ url }) => (url?.startsWith('/inner/') === true ? WEB_PAGE : undefined) }),
  },
  {
    problem: 'Dify is too old',
    check: 'version',
    status: 'fail',
    exit: 1,
    make: (scene) => fronted(scene, { headers: { 'x-version': '0.15.3' } }),
  },
  {
    problem: 'the installation of Dify is not finished',
    check: 'inner key',
    status: 'fail',
    exit: 1,
    make: (scene) =>
      fronted(scene, {
        answer: ({ url }) =>
          url === '/console/api/ping' ? undefined : json(401, { code: 'not_setup', message: 'Not set up.' }),
      }),
  },
  {
    problem: 'the inner key is wrong',
    check: 'inner key',
    status: 'fail',
    exit: 4,
    make: () => ({ DIFY_INNER_API_KEY: 'fake-wrong-key' }),
  },
  {
    problem: 'the workspace does not exist',
    check: 'inner key',
    status: 'fail',
    exit: 4,
    make: () => ({ DIFY_WORKSPACE_ID: '99999999-0000-4000-8000-000000000000' }),
  },
  {
    problem: 'the admin key is wrong',
    check: 'workspace',
    status: 'fail',
    exit: 4,
    make: () => ({ DIFY_ADMIN_API_KEY: 'fake-wrong-key' }),
  },
  {
    problem: 'admin keys are disabled in Dify',
    check: 'workspace',
    status: 'fail',
    exit: 4,
    make: (scene) =>
      fronted(scene, {
        answer: ({ url }) =>
          url?.startsWith('/console/api/workspaces') === true
            ? json(401, { code: 'unauthorized', message: 'Invalid token.' })
            : undefined,
      }),
  },
  {
    problem: 'the password is wrong',
    check: 'workspace',
    status: 'fail',
    exit: 4,
    make: (scene) => login(scene, 'fake-wrong-password'),
  },
  {
    problem: 'the account is locked',
    check: 'workspace',
    status: 'fail',
    exit: 1,
    make: async (scene) => {
      const body = JSON.stringify({ email: scene.sandbox.credentials.email, password: 'd3Jvbmc=' });
      const headers = { 'content-type': 'application/json' };
      for (let attempt = 0; attempt < 6; attempt += 1) {
        await fetch(`${scene.sandbox.url}/console/api/login`, { method: 'POST', body, headers });
      }
      return login(scene, scene.sandbox.credentials.password);
    },
  },
  {
    problem: 'the account is in another workspace',
    check: 'workspace',
    status: 'fail',
    exit: 4,
    make: async (scene) => {
      const other = {
        id: '22222222-0000-4000-8000-000000000000',
        name: 'Other',
        status: 'normal',
        current: true,
      };
      const front = await fronted(scene, {
        answer: ({ url }) =>
          url === '/console/api/workspaces' ? json(200, { workspaces: [other] }) : undefined,
      });
      return { ...login(scene, scene.sandbox.credentials.password), ...front };
    },
  },
  {
    problem: 'the account has no permission to see the workspace',
    check: 'workspace',
    status: 'fail',
    exit: 4,
    make: async (scene) => {
      const front = await fronted(scene, {
        answer: ({ url }) =>
          url === '/console/api/workspaces'
            ? json(403, { code: 'forbidden', message: 'No permission.' })
            : undefined,
      });
      return { ...login(scene, scene.sandbox.credentials.password), ...front };
    },
  },
  {
    problem: 'the stored login has ended',
    check: 'workspace',
    status: 'fail',
    exit: 4,
    make: async (scene) => {
      const { url, credentials, sessions } = scene.sandbox;
      const { email, password } = credentials;
      const argv = ['login', url, '--email', email, '--yes'];
      await cli(argv, { env: { HOME: scene.folder, DIFY_PASSWORD: password } });
      sessions.expireAccessTokens();
      sessions.expireRefreshTokens();
      return { ...account(scene), DIFY_EMAIL: undefined, DIFY_PASSWORD: undefined };
    },
  },
  {
    problem: "the account's role is too low",
    check: 'role',
    status: 'fail',
    exit: 4,
    make: (scene) => {
      scene.sandbox.account.setRole('normal');
      return account(scene);
    },
  },
  {
    problem: 'the app of the bridge does not exist',
    check: 'app',
    status: 'fail',
    exit: 2,
    make: (scene) => account(scene),
  },
  {
    problem: 'nobody passes /files on',
    check: 'file',
    status: 'fail',
    exit: 1,
    make: async (scene) => {
      const env = { ...account(scene), DIFY_CREATE_APP: 'true' };
      const argv = ['call', 'time__weekday', '--args', '{"year":2026,"month":11,"day":22}'];
      await cli(argv, { env: { HOME: scene.folder, ...env }, io: { createApp } });
      const { DIFY_API_URL: files } = await fronted(scene, { answer: () => WEB_PAGE });
      return { ...env, DIFY_FILES_URL: files };
    },
  },
  {
    problem: 'the plugin daemon is down',
    check: 'catalogue',
    status: 'warn',
    exit: 0,
    make: (scene) =>
      fronted(scene, {
        answer: ({ url }) =>
          /\/tools\/builtin$|\/tool-provider\/builtin\/paperkite/.test(url ?? '')
            ? json(400, { code: 'invalid_param', message: 'Failed to request plugin daemon' })
            : undefined,
      }),
  },
  {
    problem: "Dify cannot read a plugin's declaration",
    check: 'catalogue',
    status: 'warn',
    exit: 0,
    make: ({ sandbox }) => {
      sandbox.workspace.breakDeclaration('paperkite/studio/studio');
      return {};
    },
  },
  {
    problem: 'the folder of approved tools is missing',
    check: 'catalogue',
    status: 'fail',
    exit: 2,
    make: () => ({ DIFY_BRIDGE_MANIFEST: '/srv/bridge/none' }),
  },
  {
    problem: '`SECRET_KEY` is missing',
    check: 'file signing',
    status: 'warn',
    exit: 0,
    make: () => ({ DIFY_SECRET_KEY: undefined }),
  },
  {
    problem: '`SECRET_KEY` is wrong',
    check: 'file signing',
    status: 'fail',
    exit: 4,
    make: () => ({ DIFY_SECRET_KEY: 'fake-wrong-key' }),
  },
  {
    problem: 'the clocks differ',
    check: 'clock',
    status: 'fail',
    exit: 1,
    make: (scene) => fronted(scene, { headers: { date: new Date(Date.now() + 600_000).toUTCString() } }),
  },
  {
    problem: 'the identity provider does not answer',
    check: 'identity provider',
    status: 'fail',
    exit: 4,
    make: async () => ({
      DIFY_BRIDGE_PUBLIC_URL: 'https://bridge.example.com',
      DIFY_BRIDGE_OAUTH_ISSUER: `http://localhost:${await freePort()}`,
    }),
  },
  {
    problem: 'an API key may use a view that was removed or renamed',
    check: 'API keys',
    status: 'warn',
    exit: 0,
    make: ({ folder }) => {
      const path = join(folder, 'keys.json');
      const created = new Date();
      const key = { name: 'agent', sha256: keyHash('fake-key'), views: ['default', 'removed'], created };
      writeFileSync(path, formatKeys([key]), { mode: 0o600 });
      return { DIFY_BRIDGE_KEYS_FILE: path };
    },
  },
  {
    problem: 'no Redis answers at `state.redisUrl`',
    check: 'redis',
    status: 'fail',
    exit: 1,
    make: async () => ({ DIFY_BRIDGE_REDIS_URL: `redis://127.0.0.1:${await freePort()}` }),
  },
  {
    problem: 'the port is in use',
    check: 'port',
    status: 'warn',
    exit: 0,
    make: async ({ closeLater }) => {
      const server = createHttpServer((_request, response) => response.writeHead(404).end());
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      closeLater(() => server.close());
      return { DIFY_BRIDGE_PORT: String((server.address() as AddressInfo).port) };
    },
  },
];

/** Starts a sandbox, and returns it with an environment that leads to it. */
export async function setScene(): Promise<Scene & AsyncDisposable> {
  const sandbox = await createSandbox();
  const open: (() => unknown)[] = [];
  const { innerApiKey, workspaceId, adminApiKey, secretKey } = sandbox.credentials;
  return {
    sandbox,
    closeLater: (close) => void open.push(close),
    folder: mkdtempSync(join(tmpdir(), 'bridge-causes-')),
    env: {
      DIFY_API_URL: sandbox.url,
      DIFY_INNER_API_KEY: innerApiKey,
      DIFY_WORKSPACE_ID: workspaceId,
      DIFY_ADMIN_API_KEY: adminApiKey,
      DIFY_SECRET_KEY: secretKey,
    },
    async [Symbol.asyncDispose]() {
      for (const close of open.toReversed()) await close();
      await sandbox.close();
    },
  };
}
