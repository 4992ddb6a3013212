import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { runHere } from '../support/cli-here.ts';
import { PROGRAM, run } from '../support/program.ts';

interface Entry {
  readonly env?: unknown;
  readonly command: string;
  readonly args: readonly string[];
}

/** Resolves with the names of the tools that Cursor gets, by the entry in its file. */
async function toolsOf(home: string): Promise<readonly string[]> {
  const { mcpServers } = JSON.parse(readFileSync(join(home, '.cursor', 'mcp.json'), 'utf8')) as {
    mcpServers: { dify: Entry };
  };
  const { command, args, env } = mcpServers.dify;
  expect(env).toBeUndefined();
  // Little is handed down by a program of the desktop.
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    env: { PATH: '/usr/bin:/bin', HOME: home },
    cwd: home,
  });
  const client = new Client({ name: 'test', version: '0' });
  await client.connect(transport);
  try {
    const { tools } = await client.listTools();
    return tools.map(({ name }) => name);
  } finally {
    await client.close();
  }
}

describe('from a sign-in to a client with tools', () => {
  it('takes `login` and `install`, and no configuration', async () => {
    const home = mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-setup-'));
    mkdirSync(join(home, '.cursor'));
    const sandbox = await createSandbox();
    try {
      const { email, password } = sandbox.credentials;
      const env = { HOME: home, XDG_CONFIG_HOME: '', DIFY_PASSWORD: password };
      const login = await run(['login', sandbox.url, '--email', email, '--yes'], { env });
      expect(login).toMatchObject({ code: 0, stdout: expect.stringContaining('install cursor') });
      const { DIFY_PASSWORD: _, ...later } = env;
      expect(await runHere(['install', 'cursor', '--yes'], { env: later })).toMatchObject({
        code: 0,
        stderr: '',
      });
      const text = readFileSync(join(home, '.cursor', 'mcp.json'), 'utf8');
      expect(JSON.parse(text)).toMatchObject({ mcpServers: { dify: { args: [PROGRAM, 'serve'] } } });
      expect(await toolsOf(home)).toContain('time__weekday');
      expect(readdirSync(join(home, '.config', 'dify-mcp-bridge'))).toEqual(['logins.json']);
    } finally {
      await sandbox.close();
      rmSync(home, { recursive: true });
    }
  });
});

describe('from nothing to a client with tools', () => {
  const home = mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-setup-'));
  const env = { HOME: home, XDG_CONFIG_HOME: join(home, '.config') };
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await createSandbox();
    mkdirSync(join(home, '.cursor'));
  });
  afterAll(async () => {
    await sandbox.close();
    rmSync(home, { recursive: true });
  });

  it('init writes the configuration', async () => {
    const { innerApiKey, adminApiKey, secretKey } = sandbox.credentials;
    const keys = {
      DIFY_INNER_API_KEY: innerApiKey,
      DIFY_ADMIN_API_KEY: adminApiKey,
      DIFY_SECRET_KEY: secretKey,
    };
    const ended = await run(['init', '--url', sandbox.url, '--yes'], { env: { ...env, ...keys } });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(
      /^Wrote .*config\.yaml, readable only by you\.\n16 tools are ready \(1 needs .*\)\.\nNext: .* install cursor\n$/,
    );
  });

  // Node.js 20 takes some options for its own, even behind the name of a program: --env-file is one of them.
  it("init reads Dify's own file, or says what is wrong with it", async () => {
    const { innerApiKey, adminApiKey, secretKey } = sandbox.credentials;
    mkdirSync(join(home, 'docker'));
    const text = `PLUGIN_DIFY_INNER_API_KEY=${innerApiKey}\nSECRET_KEY=${secretKey}\nADMIN_API_KEY=${adminApiKey}\n`;
    writeFileSync(join(home, 'docker/.env'), `${text}ADMIN_API_KEY_ENABLE=true\n`);
    const args = ['--url', sandbox.url, '--yes', '--config', join(home, 'other.yaml')];
    const missing = await runHere(['init', '--dify-env', join(home, 'none'), ...args], { env });
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be read (ENOENT)') });
    const ended = await run(['init', '--dify-env', join(home, 'docker'), ...args], { env });
    expect(ended.stdout).toMatch(/16 tools are ready[^]*Next: .* install cursor --config/);
    expect(ended.code).toBe(0);
  });

  it('doctor and config check pass on it alone', async () => {
    const doctor = await runHere(['doctor'], { env: { ...env, DIFY_BRIDGE_PORT: '0' } });
    expect(doctor.stdout).toMatch(
      /^pass {2}configuration: [^]*pass {2}inner key: [^]*pass {2}file signing: /,
    );
    expect(doctor.code).toBe(0);
    expect((await runHere(['config', 'check', '--live'], { env })).code).toBe(0);
  });

  it('install puts the bridge into the client', async () => {
    const ended = await runHere(['install', 'cursor', '--command', 'local', '--yes'], { env });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain('Cursor now has the bridge as dify');
  });

  it('the client starts it as the entry says, and has the tools', async () => {
    expect(await toolsOf(home)).toContain('time__weekday');
  });

  it('install --remove leaves nothing behind but a copy', async () => {
    expect((await runHere(['install', 'cursor', '--remove', '--yes'], { env })).code).toBe(0);
    expect(JSON.parse(readFileSync(join(home, '.cursor', 'mcp.json'), 'utf8'))).toEqual({ mcpServers: {} });
  });
});
