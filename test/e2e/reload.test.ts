import { once } from 'node:events';
import { chmod, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../src/index.ts';
import { run, start } from '../support/program.ts';
import { sandboxEnv } from '../support/running-bridge.ts';

let sandbox: Sandbox;
beforeAll(async () => (sandbox = await createSandbox()));
afterAll(() => sandbox.close());

/** A folder for temporary files, in which only the bridges of one test are found. */
async function place() {
  const folder = await mkdtemp(join(tmpdir(), 'bridge-reload-'));
  const file = join(folder, 'config.yaml');
  await writeFile(file, 'tools: { deny: [] }\n');
  const env = { TMPDIR: folder, DIFY_BRIDGE_CONFIG: file, DIFY_BRIDGE_PORT: '0', ...sandboxEnv(sandbox) };
  const sockets = async (): Promise<string[]> => {
    const found = await readdir(folder, { recursive: true });
    return found.filter((name) => name.endsWith('.sock'));
  };
  // A container may have no shell and no other program, so nothing is on the PATH.
  const reload = (...args: string[]) => run(['reload', ...args], { env: { TMPDIR: folder, PATH: '' } });
  return { folder, file, env, sockets, reload };
}

describe('reload', () => {
  it('applies the new configuration of every bridge, and names what needs a restart', async () => {
    const { folder, file, sockets, reload, ...rest } = await place();
    const token = join(folder, 'token');
    await writeFile(token, 'fake-old-token\n');
    const env = { ...rest.env, DIFY_BRIDGE_TOKEN_FILE: token };
    await using http = start(['serve', '--http'], { env });
    await using stdio = start(['serve'], { env });
    await http.match('stderr', /Serving MCP/);
    await stdio.match('stderr', /Serving MCP/);
    await writeFile(file, 'tools: { names: bare }\ncalls: { maxQueued: 3 }\n');
    await writeFile(token, 'fake-new-token\n');
    const { code, stdout, stderr } = await reload();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { child } of [http, stdio]) {
      expect(stdout).toContain(`Process ${child.pid} reads its new configuration.\n`);
    }
    expect(stdout).toContain('It must be restarted for http.token, calls.maxQueued.\n');
    for (const bridge of [http, stdio]) await bridge.match('stderr', /The configuration was reloaded/);
    http.child.kill('SIGTERM');
    stdio.child.stdin.end();
    expect([(await http.ended).code, (await stdio.ended).code]).toEqual([0, 0]);
    expect(await sockets()).toEqual([]);
  });

  it('says what is wrong with the new configuration, which is not applied', async () => {
    const { file, env, reload } = await place();
    await using bridge = start(['serve', '--http'], { env });
    await bridge.match('stderr', /Serving MCP/);
    await writeFile(file, 'tools:\n  nmes: bare\n');
    const text = await reload();
    expect(text).toMatchObject({ code: 2, stderr: '' });
    expect(text.stdout).toMatch(
      /^Process \d+ has not reloaded its configuration: .*\n- .*:2 tools\.nmes: .* did you mean names\?\n$/,
    );
    const json = await reload('-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject([{ pid: bridge.child.pid, error: { problems: [{}] } }]);
  });

  it('finds no bridge where none runs, and removes the socket of one that was killed', async () => {
    const { env, sockets, reload } = await place();
    const bridge = start(['serve', '--http'], { env });
    await bridge.match('stderr', /Serving MCP/);
    expect(await sockets()).toHaveLength(1);
    bridge.child.kill('SIGKILL');
    await bridge.ended;
    expect(await sockets()).toHaveLength(1);
    const { code, stderr } = await reload();
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: No bridge of this user is running here\.\n[^]*SIGHUP/);
    expect(await sockets()).toEqual([]);
  });

  it('reports a bridge that ends before it answers, and what the others say', async () => {
    const { folder, env, sockets, reload } = await place();
    await using bridge = start(['serve', '--http'], { env });
    await bridge.match('stderr', /Serving MCP/);
    const [first = ''] = await sockets();
    const ending = createServer((socket) => socket.end()).listen(join(folder, first, '..', '7-ending.sock'));
    await once(ending, 'listening');
    const { code, stdout } = await reload();
    ending.close();
    expect(code).toBe(2);
    expect(stdout).toContain('Process 7 has not reloaded its configuration: It ended, or did not answer');
    expect(stdout).toContain(`Process ${bridge.child.pid} reads its new configuration.\n`);
  });

  it('uses no folder in which others could answer, and the bridge serves without it', async () => {
    const { folder, env, reload } = await place();
    await using first = start(['serve', '--http'], { env });
    await first.match('stderr', /Serving MCP/);
    const [name = ''] = await readdir(folder).then((names) =>
      names.filter((each) => each.startsWith('dify-')),
    );
    await chmod(join(folder, name), 0o777);
    await using second = start(['serve', '--http'], { env });
    await second.match('stderr', /"The command reload cannot reach this bridge; the signal SIGHUP can"/);
    await second.match('stderr', /Serving MCP/);
    const { code, stderr } = await reload();
    expect(code).toBe(2);
    expect(stderr.replaceAll('\n', ' ')).toContain(`Others can write to ${join(folder, name)}, so`);
  });
});
