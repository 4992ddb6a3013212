import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';
import { getMcpConfigForManifest, unpackExtension, v0_3 } from '@anthropic-ai/mcpb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { connectClient, type TestClient } from '../support/mcp-clients.ts';
import { cleanEnvironment, ROOT, run } from '../support/program.ts';

const execute = promisify(execFile);

describe('the bundle for Claude Desktop', () => {
  let folder: string;
  let unpacked: string;
  let sandbox: Sandbox;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-test-'));
    await execute(process.execPath, [join(ROOT, 'scripts/pack-mcpb.mjs'), '--out', folder]);
    const mcpbPath = join(folder, `dify-mcp-bridge-${await version()}.mcpb`);
    unpacked = join(folder, 'unpacked');
    if (!(await unpackExtension({ mcpbPath, outputDir: unpacked, silent: true }))) {
      throw new Error('The bundle cannot be unpacked.');
    }
    sandbox = await createSandbox();
  });
  afterAll(async () => {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function version(): Promise<string> {
    return (JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
  }

  const keys = () => ({
    api_url: sandbox.url,
    workspace_id: sandbox.credentials.workspaceId,
    inner_api_key: sandbox.credentials.innerApiKey,
  });

  /** The command that the desktop makes of the manifest and of what somebody entered. */
  async function commandOf(userConfig: Record<string, string | number>) {
    const text = await readFile(join(unpacked, 'manifest.json'), 'utf8');
    return getMcpConfigForManifest({
      manifest: v0_3.McpbManifestSchema.parse(JSON.parse(text)),
      extensionPath: unpacked,
      systemDirs: { HOME: folder },
      userConfig,
      pathSeparator: sep,
    });
  }

  async function connect(
    userConfig: Record<string, string | number>,
    more: Record<string, string> = {},
  ): Promise<TestClient> {
    const command = await commandOf(userConfig);
    if (command === undefined) throw new Error('The desktop would not start it.');
    const { args = [], env = {} } = command;
    expect(command.command).toBe('node');
    return connectClient('v1', {
      command: process.execPath,
      args,
      env: cleanEnvironment({ ...env, ...more, DIFY_BRIDGE_LOG_LEVEL: 'error' }),
    });
  }

  it('contains the program and its files, nothing else', async () => {
    const files = (await readdir(unpacked, { recursive: true })).toSorted();
    const parts = files.filter((path) => /^server.part-[\w-]+\.c?js(\.LEGAL\.txt)?$/.test(path));
    expect(files.filter((path) => !parts.includes(path))).toEqual([
      'LICENSE',
      'icon.png',
      'manifest.json',
      'package.json',
      'server',
      join('server', 'main.js'),
    ]);
    const built = (await readdir(join(ROOT, 'dist'))).filter((name) => /^part-.*(\.c?js|\.txt)$/.test(name));
    expect(parts).toEqual(built.map((name) => join('server', name)).toSorted());
    for (const path of [join('server', 'main.js'), ...parts]) {
      const text = await readFile(join(unpacked, path), 'utf8');
      expect({ path, found: text.includes(ROOT) }).toEqual({ path, found: false });
    }
  });

  it('has its SHA-256 next to it', async () => {
    const name = `dify-mcp-bridge-${await version()}.mcpb`;
    const hash = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
    expect(await readFile(join(folder, `${name}.sha256`), 'utf8')).toBe(`${hash}  ${name}\n`);
  });

  it('serves a client, with the optional fields left empty', async () => {
    const left = await commandOf({ ...keys(), admin_api_key: sandbox.credentials.adminApiKey });
    expect(left?.env).toMatchObject({
      DIFY_EMAIL: '${user_config.email}',
      DIFY_BRIDGE_TOOLS_MAX_TOOLS: '${user_config.max_tools}',
      DIFY_BRIDGE_CONFIG: '${user_config.config_file}',
    });
    const client = await connect({ ...keys(), admin_api_key: sandbox.credentials.adminApiKey });
    try {
      expect(client.serverVersion).toMatchObject({ name: 'dify-mcp-bridge', version: await version() });
      expect((await client.listPage()).tools).toHaveLength(18);
      const { content } = await client.callTool('time__weekday', { year: 2026, month: 11, day: 22 });
      expect(content).toEqual([{ type: 'text', text: 'November 22, 2026 is Sunday.' }]);
    } finally {
      await client.close();
    }
  });

  it('goes by every field that is filled in', async () => {
    const { email, password, secretKey } = sandbox.credentials;
    const client = await connect({ ...keys(), email, password, secret_key: secretKey, max_tools: 3 });
    try {
      // Three of Dify's, and the two for calls that take long.
      expect((await client.listPage()).tools).toHaveLength(5);
    } finally {
      await client.close();
    }
  });

  it('uses a stored login if everything is left empty', async () => {
    const { email, password } = sandbox.credentials;
    const home = { HOME: folder, XDG_CONFIG_HOME: '' };
    const login = ['login', sandbox.url, '--email', email, '--yes'];
    expect(await run(login, { env: { ...home, DIFY_PASSWORD: password } })).toMatchObject({ code: 0 });
    const client = await connect({}, home);
    try {
      expect((await client.listPage()).tools).toHaveLength(18);
    } finally {
      await client.close();
    }
  });

  it('takes an address, an e-mail address and a password instead of keys', async () => {
    const { email, password } = sandbox.credentials;
    const client = await connect({ url: `${sandbox.url}/apps`, email, password });
    try {
      expect((await client.listPage()).tools).toHaveLength(18);
      const { content } = await client.callTool('time__weekday', { year: 2026, month: 11, day: 22 });
      expect(content).toEqual([{ type: 'text', text: 'November 22, 2026 is Sunday.' }]);
      expect(sandbox.account.apps.map(({ name }) => name)).toEqual(['MCP bridge']);
    } finally {
      await client.close();
    }
  });
});
