import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnvironment, ROOT } from '../support/program.ts';

const execute = promisify(execFile);

/** What the program imports where it uses it. */
const PART = /^dist\/part-[\w-]+\.c?js(\.map|\.LEGAL\.txt)?$/;

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

const CONSUMER = `
import { BridgeError, createApp, createSandbox, loadConfig, silentLogger } from 'dify-mcp-bridge';
import type { App, Config, ToolResult } from 'dify-mcp-bridge';

const sandbox = await createSandbox();
const { innerApiKey, workspaceId, adminApiKey } = sandbox.credentials;
const env = {
  DIFY_API_URL: sandbox.url,
  DIFY_INNER_API_KEY: innerApiKey,
  DIFY_WORKSPACE_ID: workspaceId,
  DIFY_ADMIN_API_KEY: adminApiKey,
};
const loaded = await loadConfig({ env, needsDify: true });
const config: Config = loaded.config;
const app: App = await createApp(config, { logger: silentLogger });
app.start();
const signal = new AbortController().signal;
const names: string[] = (await app.registry.ready(signal)).tools.map(({ name }) => name);
const result: ToolResult = await app.callTool('time__weekday', { year: 2026, month: 11, day: 22 }, { signal });
const [first] = result.content;
const code: string = new BridgeError('usage', 'x').code;
process.stdout.write(JSON.stringify({ tools: names.length, text: first?.type === 'text' ? first.text : '', code }));
await app.close(0);
await sandbox.close();
// @ts-expect-error the types are real ones: a name is no number
names satisfies number[];
`;

describe('the package', () => {
  let folder: string;
  let packed: Packed;
  let installed: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-package-'));
    const pack = await execute('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      cwd: ROOT,
    });
    [packed] = JSON.parse(pack.stdout) as [Packed];
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const modules = join(folder, 'node_modules');
    installed = join(modules, 'dify-mcp-bridge');
    await mkdir(installed, { recursive: true });
    await execute('tar', ['-xzf', join(folder, packed.filename), '-C', installed, '--strip-components=1']);
    // As npm would, without a copy of each dependency. What the package does not name as one is not there.
    const text = await readFile(join(installed, 'package.json'), 'utf8');
    const { bin, dependencies } = JSON.parse(text) as Record<'bin' | 'dependencies', Record<string, string>>;
    for (const name of Object.keys(dependencies)) {
      await mkdir(dirname(join(modules, name)), { recursive: true });
      await symlink(join(ROOT, 'node_modules', name), join(modules, name));
    }
    await mkdir(join(modules, '.bin'));
    for (const [name, path] of Object.entries(bin)) {
      await symlink(join(installed, path), join(modules, '.bin', name));
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const bin = (args: readonly string[]) =>
    execute(join(folder, 'node_modules/.bin/dify-mcp-bridge'), args, {
      cwd: folder,
      env: cleanEnvironment(),
    });
  const node = (args: readonly string[]) => execute(process.execPath, args, { cwd: folder });

  it('holds what is needed to run it, and nothing else', async () => {
    const paths = packed.files.map(({ path }) => path);
    const outside = paths.filter((path) => !path.startsWith('dist/'));
    expect(outside.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json']);
    const built = paths.filter((path) => path.startsWith('dist/'));
    const strange = built.filter(
      (path) => !/^dist\/([a-z-]+\/){0,2}[a-z-]+(\.d\.ts|\.js(\.map)?)$/.test(path) && !PART.test(path),
    );
    expect(strange).toEqual([]);
    const sources = (await readdir(join(ROOT, 'src'), { recursive: true })).filter((path) =>
      path.endsWith('.ts'),
    );
    const others = built.filter((path) => path.endsWith('.js') && !PART.test(path));
    expect(others).toHaveLength(sources.length);
    expect(packed.files.find(({ path }) => path === 'dist/main.js')?.mode).toBe(0o755);
  });

  it('holds nothing of the machine that built it', async () => {
    for (const { path } of packed.files) {
      const text = await readFile(join(installed, path), 'utf8');
      expect({ path, found: text.includes(ROOT) }).toEqual({ path, found: false });
    }
  });

  it('is one program by its own name, which runs', async () => {
    const { stdout } = await bin(['version']);
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(stdout).toContain(`dify-mcp-bridge ${version} `);
    const demo = await bin(['demo', '--out', join(folder, 'pictures')]);
    expect(demo.stdout).toContain('All 8 calls succeeded as expected.');
    expect(demo.stderr).toBe('');
  });

  it('is a library with types', async () => {
    await writeFile(join(folder, 'consumer.ts'), CONSUMER);
    const compilerOptions = {
      strict: true,
      // What comes with the compiler is none of the package's types.
      skipDefaultLibCheck: true,
      module: 'nodenext',
      target: 'es2023',
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['consumer.ts'] }),
    );
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const compiled = await node([compiler, '-p', folder, '--checkers', '1']).catch(
      (error: { stdout: string }) => error,
    );
    expect(compiled.stdout).toBe('');
    const { stdout, stderr } = await node(['consumer.js']);
    expect(JSON.parse(stdout)).toEqual({ tools: 16, text: 'November 22, 2026 is Sunday.', code: 'usage' });
    expect(stderr).toBe('');
  });

  it('opens no other door than the library entry', async () => {
    const app = node(['-e', "import('dify-mcp-bridge/dist/app.js')"]);
    await expect(app).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it('runs as a library without what belongs to the command line, the protocol and the sandbox', async () => {
    // The last test: it takes the installation apart.
    const modules = join(folder, 'node_modules');
    const unused = [
      'commander',
      'jsonc-parser',
      '@clack',
      'hono',
      '@hono',
      '@modelcontextprotocol/server',
      '@modelcontextprotocol/node',
    ];
    for (const name of unused) {
      expect({ name, there: existsSync(join(modules, name)) }).toEqual({ name, there: true });
      await rm(join(modules, name), { recursive: true });
    }
    const script = `
      import { createApp, createSandbox, loadConfig, silentLogger } from 'dify-mcp-bridge';
      const env = { DIFY_API_URL: 'http://127.0.0.1:9', DIFY_INNER_API_KEY: 'fake', DIFY_ADMIN_API_KEY: 'fake',
        DIFY_WORKSPACE_ID: '11111111-2222-4333-8444-555555555555' };
      const { config } = await loadConfig({ env, needsDify: true });
      const app = await createApp(config, { logger: silentLogger });
      app.start();
      const error = await app.registry.ready().catch((error) => error);
      await app.close(0);
      const missing = await createSandbox().catch((error) => error);
      process.stdout.write(error.code + ' ' + missing.code);`;
    const { stdout } = await node(['--input-type=module', '-e', script]);
    expect(stdout).toBe('catalog_unavailable ERR_MODULE_NOT_FOUND');
  });
});
