import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { freePort } from '../support/free-port.ts';
import { connectClient } from '../support/mcp-clients.ts';
import { cleanEnvironment, ROOT, start } from '../support/program.ts';
import { sandboxEnv } from '../support/running-bridge.ts';
import { execForm, parseDockerfile } from '../support/dockerfile-rules.ts';

const execute = promisify(execFile);

// No container is needed to see that what the last stage copies is enough, and what its commands do.
describe('the last stage of the Dockerfile', () => {
  let folder: string;
  let sandbox: Sandbox;
  let final: ReturnType<typeof parseDockerfile>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-test-'));
    const all = parseDockerfile(await readFile(join(ROOT, 'manifests/docker/Dockerfile'), 'utf8'));
    final = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
    for (const { rest } of final.filter(({ name }) => name === 'COPY')) {
      const words = rest.split(' ').filter((word) => !word.startsWith('--'));
      const target = join(folder, words.at(-1) ?? '');
      await mkdir(target, { recursive: true });
      // The build makes the folder for files, with nothing in it.
      for (const source of words.slice(0, -1).filter((word) => word !== '/build/files')) {
        const paths = await matching(source.replace(/^\/build\//, ''));
        if (paths.length === 0) throw new Error(`COPY would fail: no rule matches ${source}.`);
        for (const path of paths) await cp(join(ROOT, path), join(target, basename(path)));
      }
    }
    sandbox = await createSandbox();
  });
  afterAll(async () => {
    await sandbox.close();
    await rm(folder, { recursive: true });
  });

  /** The files of the checkout that a source of COPY means. */
  async function matching(source: string): Promise<readonly string[]> {
    if (!source.includes('*')) return [source];
    const names = await readdir(join(ROOT, dirname(source)));
    const [before = '', after = ''] = basename(source).split('*');
    return names
      .filter((name) => name.startsWith(before) && name.endsWith(after))
      .map((name) => join(dirname(source), name));
  }

  /** The words of an instruction; the folder of the image is the one of the test. */
  function words(name: string): readonly string[] {
    const found = execForm(final.findLast((one) => one.name === name)?.rest ?? '') ?? [];
    expect(found.length).toBeGreaterThan(0);
    return found.map((word) => word.replace(/^\/app\//, `${folder}/`));
  }

  const environment = (more: Record<string, string> = {}): Record<string, string> => ({
    ...Object.fromEntries(
      final
        .filter(({ name }) => name === 'ENV')
        .flatMap(({ rest }) => rest.split(/ +/).map((pair) => pair.split('=') as [string, string])),
    ),
    ...sandboxEnv(sandbox),
    ...more,
  });

  it('refuses to serve all addresses without a token', async () => {
    const [, program = ''] = words('ENTRYPOINT');
    await using bridge = start(words('CMD'), { program, env: environment(), cwd: folder });
    const { code, stderr } = await bridge.ended;
    expect(code).toBe(2);
    expect(stderr).toContain('DIFY_BRIDGE_TOKEN');
  });

  it('serves, answers the health check, and ends in time after a signal', async () => {
    const [command, program = ''] = words('ENTRYPOINT');
    expect(command).toBe('node');
    const port = await freePort();
    const env = environment({ DIFY_BRIDGE_TOKEN: 'fake-token', DIFY_BRIDGE_PORT: String(port) });
    const [node, ...check] = words('HEALTHCHECK');
    expect(node).toBe('node');
    const healthy = () =>
      execute(process.execPath, check, { env: cleanEnvironment(env) }).then(
        () => true,
        () => false,
      );
    expect(await healthy()).toBe(false);

    await using bridge = start(words('CMD'), { program, env, cwd: folder });
    await bridge.match('stderr', /Serving MCP/);
    const client = await connectClient('v2 auto', {
      url: `http://127.0.0.1:${port}/mcp`,
      token: 'fake-token',
    });
    expect((await client.listPage()).tools).toHaveLength(18);
    expect(await healthy()).toBe(true);
    await client.close();

    bridge.child.kill('SIGTERM');
    expect((await bridge.ended).code).toBe(0);
    expect(await healthy()).toBe(false);
  });
});
