import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { replaceFile } from '../../../src/cli/replace-file.ts';
import { storeLogin } from '../../../src/logins/login-file.ts';
import { type CliRun, cli, FETCHED } from '../../support/fake-cli.ts';
import { someLogin } from '../../support/logins.ts';
import { scriptedPrompter } from '../../support/scripted-prompter.ts';

let home: string;
let config: string;
let cursor: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'bridge-install-'));
  config = join(home, '.config', 'dify-mcp-bridge', 'config.yaml');
  mkdirSync(join(config, '..'), { recursive: true });
  writeFileSync(
    config,
    `dify:
  apiUrl: http://dify.test:5001
  innerApiKey: fake-inner-key
  workspaceId: 11111111-2222-4333-8444-555555555555
  adminApiKey: fake-admin-key
views:
  support: {}
workspaces:
  sales: { dify: { workspaceId: 11111111-2222-4333-8444-666666666666 }, views: { orders: {} } }
`,
  );
  mkdirSync(join(home, '.cursor'));
  cursor = join(home, '.cursor', 'mcp.json');
});

const install = (argv: readonly string[], env: Record<string, string> = {}): Promise<CliRun> =>
  cli(['install', ...argv], { env: { HOME: home, ...env } });
const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const NPX = ['-y', expect.stringMatching(/^dify-mcp-bridge@\d+\.\d+$/)];

describe('install', () => {
  it('writes an entry that starts the bridge with its configuration file, and no secret', async () => {
    writeFileSync(cursor, '{\n  "mcpServers": {\n    "other": {} // mine\n  }\n}\n');
    const run = await install(['cursor', '--yes', '-o', 'json']);
    expect(run.code).toBe(0);
    const { backup, ...result } = run.json() as { backup: string };
    expect(result).toMatchObject({
      client: 'cursor',
      file: cursor,
      name: 'dify',
      change: 'added',
      written: true,
    });
    expect(readFileSync(backup, 'utf8')).toBe('{\n  "mcpServers": {\n    "other": {} // mine\n  }\n}\n');
    const text = readFileSync(cursor, 'utf8');
    expect(text).toContain('"other": {}, // mine');
    expect(text).not.toContain('fake-');
    expect(JSON.parse(text.replace('// mine', ''))).toMatchObject({
      mcpServers: { dify: { command: 'npx', args: [...NPX, 'serve'] } },
    });
    const again = await install(['cursor', '--yes']);
    expect(again.stdout).toBe(`Nothing to do: ${cursor} has dify as requested.\n`);
    expect(readdirSync(join(home, '.cursor'))).toHaveLength(2);
  });

  it('shows the change and asks at a terminal', async () => {
    for (const answer of [false, true]) {
      const person = scriptedPrompter([[/Write this/, answer]]);
      const io = { createPrompter: async () => person };
      const run = await cli(['install', 'cursor', '--no-color'], { env: { HOME: home }, terminal: true, io });
      expect(run.code).toBe(0);
      expect(run.stderr).toContain('+     "dify": {');
      expect(existsSync(cursor)).toBe(answer);
    }
  });

  it('writes nothing without a yes or with --dry-run', async () => {
    const refused = await install(['cursor']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/--yes[^]*--dry-run/);
    const dry = await install(['cursor', '--dry-run']);
    expect(dry.code).toBe(0);
    expect(dry.stdout).toMatch(/\+ {5}"dify"[^]*Nothing was written/);
    expect(existsSync(cursor)).toBe(false);
  });

  it('takes the entry out again', async () => {
    await install(['cursor', '--yes']);
    const run = await install(['cursor', '--remove', '--yes']);
    expect(run.stdout).toContain(`dify was removed from ${cursor}.`);
    expect(read(cursor)).toEqual({ mcpServers: {} });
    expect((await install(['cursor', '--remove', '--yes'])).stdout).toMatch(
      /^Nothing to do: .* has no server/,
    );
  });

  it('goes by a name, a view, and this very program', async () => {
    await install(['cursor', '--yes', '--name', 'helpdesk', '--view', 'support', '--command', 'local']);
    expect(read(cursor)).toEqual({
      mcpServers: {
        helpdesk: {
          command: process.execPath,
          args: [FETCHED, 'serve', '--view', 'support'],
        },
      },
    });
  });

  it('starts the bridge with one workspace of the file', async () => {
    await install(['cursor', '--yes', '--workspace', 'sales', '--view', 'orders', '--command', 'local']);
    expect(read(cursor)).toMatchObject({
      mcpServers: { dify: { args: [FETCHED, 'serve', '--workspace', 'sales', '--view', 'orders'] } },
    });
  });

  it('lets the client start what runs now, by its own path, unless people share the file', async () => {
    const script = join(home, 'main.js');
    const link = join(home, 'link');
    writeFileSync(script, '');
    symlinkSync(script, link);
    const io = { program: { node: process.execPath, script: link } };
    const argv = ['install', 'cursor', '--yes', '--sandbox'];
    expect((await cli(argv, { env: { HOME: home }, io })).code).toBe(0);
    const dify = { command: process.execPath, args: [realpathSync(script), 'serve', '--sandbox'] };
    expect(read(cursor)).toEqual({ mcpServers: { dify } });
    expect(
      (await cli([...argv, '--project', home, '--name', 'ours'], { env: { HOME: home }, io })).code,
    ).toBe(0);
    expect(read(cursor)).toMatchObject({ mcpServers: { dify, ours: { command: 'npx' } } });
    expect((await cli([...argv, '--command', 'npx'], { env: { HOME: home }, io })).code).toBe(0);
    expect(read(cursor)).toMatchObject({ mcpServers: { dify: { command: 'npx' } } });
  });

  it('writes the address of a bridge over HTTP; a token only where one is needed, and as a reference', async () => {
    await install(['cursor', '--yes', '--http', 'http://127.0.0.1:8080']);
    expect(read(cursor)).toEqual({ mcpServers: { dify: { url: 'http://127.0.0.1:8080/mcp' } } });
    const run = await install(['cursor', '--yes', '--http', 'https://bridge.example.com/mcp/support']);
    expect(read(cursor)).toEqual({
      mcpServers: {
        dify: {
          url: 'https://bridge.example.com/mcp/support',
          headers: { Authorization: 'Bearer ${env:DIFY_BRIDGE_TOKEN}' },
        },
      },
    });
    expect(run.stderr).toContain('DIFY_BRIDGE_TOKEN');
    await install(['cursor', '--yes', '--http', 'https://bridge.example.com/mcp', '--no-authorization']);
    expect(read(cursor)).toEqual({ mcpServers: { dify: { url: 'https://bridge.example.com/mcp' } } });
  });

  it("lets the client's own store keep the secrets", async () => {
    const folder = join(home, 'site');
    mkdirSync(folder);
    await install(['vscode', '--project', folder, '--secrets', 'client', '--yes']);
    const file = join(folder, '.vscode', 'mcp.json');
    expect(read(file)).toMatchObject({
      inputs: expect.arrayContaining([expect.objectContaining({ id: 'dify_secret_key', password: true })]),
      servers: {
        dify: {
          type: 'stdio',
          args: [...NPX, 'serve'],
          env: { DIFY_SECRET_KEY: '${input:dify_secret_key}' },
        },
      },
    });
    const code = await install(['claude-code', '--project', folder, '--secrets', 'client', '--yes']);
    expect(read(join(folder, '.mcp.json'))).toMatchObject({
      mcpServers: { dify: { env: { DIFY_INNER_API_KEY: '${DIFY_INNER_API_KEY}' } } },
    });
    expect(code.stderr).toContain('from the environment that it is started with');
    expect((await install(['claude-desktop', '--file', 'x', '--secrets', 'client'])).code).toBe(2);
  });

  it('names the configuration file only where a client would not find it', async () => {
    const other = join(home, 'other.yaml');
    writeFileSync(other, readFileSync(config));
    await install(['cursor', '--yes', '--config', other]);
    expect(read(cursor)).toMatchObject({
      mcpServers: { dify: { args: [...NPX, 'serve', '--config', other] } },
    });
    // A client does not pass this variable on.
    const XDG_CONFIG_HOME = join(home, 'elsewhere');
    const moved = join(XDG_CONFIG_HOME, 'dify-mcp-bridge', 'config.yaml');
    mkdirSync(join(moved, '..'), { recursive: true });
    writeFileSync(moved, readFileSync(config));
    await install(['cursor', '--yes'], { XDG_CONFIG_HOME });
    expect(read(cursor)).toMatchObject({
      mcpServers: { dify: { args: [...NPX, 'serve', '--config', moved] } },
    });
  });

  it('needs nothing but a stored login', async () => {
    rmSync(config);
    await storeLogin(join(config, '../logins.json'), someLogin());
    expect(await install(['cursor', '--yes'])).toMatchObject({ code: 0 });
    expect(read(cursor)).toEqual({ mcpServers: { dify: { command: 'npx', args: [...NPX, 'serve'] } } });
    const missing = join(config, '../named.yaml');
    expect(await install(['cursor', '--yes', '--config', missing])).toMatchObject({ code: 0 });
    expect(read(cursor)).toMatchObject({
      mcpServers: { dify: { args: [...NPX, 'serve', '--config', missing] } },
    });
    const { configs } = await cli(['tools', 'list', '--config', missing], { env: { HOME: home } });
    expect(configs[0]?.dify.url).toBe('https://dify.test');
  });

  it('starts the sandbox where there is no Dify yet', async () => {
    await cli(['install', 'cursor', '--sandbox', '--yes'], { env: { HOME: join(home) } });
    expect(read(cursor)).toMatchObject({ mcpServers: { dify: { args: [...NPX, 'serve', '--sandbox'] } } });
  });

  it('prints what to paste into Cherry Studio', async () => {
    const run = await install(['cherry-studio']);
    expect(run.json()).toEqual({
      mcpServers: {
        dify: { type: 'stdio', command: 'npx', args: [...NPX, 'serve'], isActive: true },
      },
    });
    expect(run.stderr).toContain('Import from JSON');
    expect((await install(['cherry-studio', '--remove'])).stderr).toContain('Remove dify in Cherry Studio');
    const http = await install(['cherry-studio', '--http', 'https://bridge.example.com/mcp']);
    expect(http.stdout).toContain('PUT-TOKEN-HERE');
    expect(http.stderr).toContain('marked place');
  });

  it('keeps a link a link, and the mode of the file', async () => {
    const real = join(home, 'dotfiles.json');
    writeFileSync(real, '{}', { mode: 0o640 });
    symlinkSync(real, cursor);
    await install(['cursor', '--yes']);
    expect(lstatSync(cursor).isSymbolicLink()).toBe(true);
    expect(statSync(real).mode & 0o777).toBe(0o640);
    expect(read(real)).toHaveProperty('mcpServers.dify');
    expect(readdirSync(home).filter((name) => name.startsWith('dotfiles.json.'))).toHaveLength(1);
  });
});

describe('install refuses', () => {
  it.each([
    [['cursr'], /Allowed choices are claude-desktop, .*cursor/],
    [
      ['vscode'],
      /VS Code does not seem to be installed: .*User does not exist\.\nInstall VS Code and start it once/,
    ],
    [['json'], /needs the file\.\nName it with --file/],
    [['claude-desktop', '--project'], /Claude Desktop has no file for a project/],
    [['cursor', '--file', 'x', '--project'], /exclude each other/],
    [['cursor', '--project', '/nowhere/at/all'], /The folder \/nowhere\/at\/all does not exist/],
    [['cursor', '--name', 'a b'], /--name takes/],
    [['cursor', '--http', 'bridge.example.com'], /--http takes/],
    [['cursor', '--http', 'https://me:fake@bridge.example.com/mcp'], /without secrets/],
    [['cursor', '--http', 'http://127.0.0.1/mcp', '--workspace', 'sales'], /\/w\/sales\/mcp/],
    [
      ['cursor', '--http', 'http://127.0.0.1/mcp', '--view', 'support'],
      /--view is for a bridge that the client starts.*\n.*mcp\/support/,
    ],
    [
      ['cursor', '--http', 'http://127.0.0.1/mcp', '--sandbox'],
      /--sandbox is for a bridge that the client starts/,
    ],
    [['cursor', '--authorization'], /--authorization is for --http/],
    [['cursor', '--view', 'suport'], /support/],
    [
      ['cursor', '--config', '/nowhere/config.yaml'],
      /nobody has signed in to Dify\.\nRun npx dify-mcp-bridge login first\.[^]*init, which writes \/nowhere[^]*--sandbox/,
    ],
    [['claude-desktop', '--file', 'x', '--http', 'http://127.0.0.1/mcp'], /does not support HTTP servers/],
  ])('%j', async (argv, message) => {
    const run = await install(argv);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(message);
    expect(run.stdout).toBe('');
    expect(readdirSync(join(home, '.cursor'))).toEqual([]);
    expect(run.stderr).not.toContain('me:fake');
  });

  it('a configuration file that needs the variables of a shell', async () => {
    writeFileSync(config, 'dify:\n  apiUrl: http://dify.test:5001\n');
    const run = await install(['cursor'], { DIFY_INNER_API_KEY: 'fake-inner-key' });
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(
      /with .*config\.yaml alone\.[^]*innerApiKey: missing[^]*does not pass on the variables/,
    );
  });

  it('a file that it cannot understand, with line and column, and leaves it alone', async () => {
    writeFileSync(cursor, '{\n  "mcpServers": {\n    "a": {}\n');
    const run = await install(['cursor', '--yes', '-o', 'json']);
    expect(run.code).toBe(2);
    expect(run.jsonError().error).toMatchObject({
      code: 'client_config_invalid',
      message: expect.stringMatching(/mcp\.json cannot be parsed: line 4, column 1: close brace expected/),
    });
    expect(readdirSync(join(home, '.cursor'))).toEqual(['mcp.json']);
  });

  it('a file that is a folder', async () => {
    mkdirSync(cursor);
    const run = await install(['cursor', '--yes']);
    expect(run.stderr).toMatch(/cannot be read \(EISDIR\)/);
  });
});

describe('a file is replaced', () => {
  const OPTIONS = { code: 'client_config_invalid' } as const;

  it('not when something else has written it meanwhile', async () => {
    const path = join(home, 'file.json');
    writeFileSync(path, 'theirs');
    await expect(replaceFile(path, 'ours', { ...OPTIONS, before: 'as read' })).rejects.toThrow(
      'changed by another program',
    );
    expect(readFileSync(path, 'utf8')).toBe('theirs');
    expect(readdirSync(home).filter((name) => name.includes('file.json'))).toEqual(['file.json']);
  });

  it('and no copy is left if that fails', async () => {
    const path = join(home, 'file.json');
    writeFileSync(path, 'as read');
    mkdirSync(join(home, `.file.json.${process.pid}.tmp`));
    const failed = replaceFile(path, 'ours', { ...OPTIONS, before: 'as read' });
    await expect(failed).rejects.toThrow('cannot be written');
    expect(readdirSync(home).filter((name) => name.startsWith('file.json'))).toEqual(['file.json']);
  });

  it('with a copy under a new name each time', async () => {
    const path = join(home, 'file.json');
    writeFileSync(path, '0');
    for (const number of [0, 1, 2]) {
      await replaceFile(path, String(number + 1), { ...OPTIONS, before: String(number) });
    }
    const copies = readdirSync(home).filter((name) => name.endsWith('.bak'));
    expect(copies.map((name) => readFileSync(join(home, name), 'utf8')).sort()).toEqual(['0', '1', '2']);
  });

  it('with the mode that the umask would take away', async () => {
    const path = join(home, 'file.json');
    writeFileSync(path, 'x');
    chmodSync(path, 0o666);
    await replaceFile(path, 'y', { ...OPTIONS, before: 'x' });
    expect(statSync(path).mode & 0o777).toBe(0o666);
  });

  it('or it is said why not', async () => {
    const path = join('/dev/null', 'file.json');
    await expect(replaceFile(path, 'y', { ...OPTIONS, before: undefined })).rejects.toMatchObject({
      code: 'client_config_invalid',
      message: expect.stringMatching(/cannot be written \(ENOTDIR|EEXIST/),
    });
  });
});
