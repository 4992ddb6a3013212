import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { connectClient, type TestClient } from '../support/mcp-clients.ts';
import { cleanEnvironment, PROGRAM, ROOT, start } from '../support/program.ts';
import { sandboxEnv } from '../support/running-bridge.ts';

// As npm does it when the package is updated: the files that a running bridge came from are there no more.
describe('a bridge whose own files were taken away', () => {
  let folder: string;
  let program: string;
  let sandbox: Sandbox;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-test-'));
    for (const name of await readdir(dirname(PROGRAM))) {
      if (/^(main|part-.+)\.c?js$/.test(name))
        await cp(join(dirname(PROGRAM), name), join(folder, 'dist', name));
    }
    await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
    program = join(folder, 'dist/main.js');
    sandbox = await createSandbox();
  });
  afterEach(async () => {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** What a client gets for a list, a text, a picture and wrong arguments. */
  async function use(client: TestClient): Promise<unknown> {
    const { tools } = await client.listPage();
    const text = await client.callTool('time__weekday', { year: 2026, month: 11, day: 22 });
    const picture = await client.callTool('paperkite_studio__draw_chart', { values: [1, 2], width: 320 });
    const wrong = await client.callTool('time__weekday', { year: 'soon' });
    return {
      tools: tools.length,
      text: text.content,
      pictures: picture.content.filter(({ type }) => type === 'image').length,
      refused: wrong.isError,
    };
  }
  const ALL = {
    tools: 18,
    text: [{ type: 'text', text: 'November 22, 2026 is Sunday.' }],
    pictures: 1,
    refused: true,
  };

  it('goes on over stdio', async () => {
    const env = cleanEnvironment({ ...sandboxEnv(sandbox), DIFY_BRIDGE_LOG_LEVEL: 'error' });
    const client = await connectClient('v1', { command: process.execPath, args: [program, 'serve'], env });
    try {
      await client.listPage();
      await rm(folder, { recursive: true });
      expect(await use(client)).toEqual(ALL);
    } finally {
      await client.close();
    }
  });

  it('takes new clients over HTTP', async () => {
    await using bridge = start(['serve', '--http', '--port', '0', '-o', 'json'], {
      program,
      env: sandboxEnv(sandbox),
    });
    const [line] = await bridge.match('stdout', /^.*\n/);
    const { url } = JSON.parse(line) as { url: string };
    await rm(folder, { recursive: true });
    for (const kind of ['v1', 'v2 pinned'] as const) {
      const client = await connectClient(kind, { url });
      expect(await use(client)).toEqual(ALL);
      await client.close();
    }
  });
});
