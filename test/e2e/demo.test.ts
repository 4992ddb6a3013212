import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient } from '../support/mcp-clients.ts';
import { decodePng } from '../support/png.ts';
import { cleanEnvironment, run } from '../support/program.ts';

interface HostConfig {
  readonly mcpServers: Readonly<
    Record<string, { readonly command: string; readonly args: readonly string[]; readonly env?: undefined }>
  >;
}

/** Connects a client to exactly what a configuration for a host application says. */
async function tryConfig(config: HostConfig): Promise<void> {
  expect(Object.keys(config.mcpServers)).toEqual(['dify']);
  const [server] = Object.values(config.mcpServers);
  if (server === undefined) throw new Error('There is no server.');
  expect(Object.keys(server)).toEqual(['command', 'args']);
  const env = cleanEnvironment({ DIFY_BRIDGE_LOG_LEVEL: 'warn' });
  const client = await connectClient('v2 default', { ...server, env });
  try {
    const { content } = await client.callTool('time__weekday', { year: 2026, month: 11, day: 22 });
    expect(content).toEqual([{ type: 'text', text: 'November 22, 2026 is Sunday.' }]);
  } finally {
    await client.close();
  }
}

describe('demo', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-test-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('shows a whole round, names a picture that is there, and ends with lines that work', async () => {
    // Settings of the machine must not change what it shows.
    const env = { DIFY_API_URL: 'http://127.0.0.1:9', DIFY_BRIDGE_TOOLS_NAMES: 'bare' };
    const { code, stdout, stderr } = await run(['demo'], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/Signed in as sandbox@example\.com \(owner\)/);
    expect(stdout).toMatch(/19 tools\.\n/);
    expect(stdout).toMatch(/progress 0: Started\n/);
    expect(stdout).toContain('Cancelled, and stopped in Dify.');
    expect(stdout).toContain('All 8 calls succeeded as expected.');

    const path = /saved (\S+\.png) \(image\/png, (\d+) bytes\)/.exec(stdout);
    const picture = await readFile(path?.[1] ?? '');
    expect(picture).toHaveLength(Number(path?.[2]));
    expect(decodePng(picture)).toMatchObject({ width: 640, height: 400 });
    await rm(dirname(path?.[1] ?? ''), { recursive: true });

    // What a reader copies: all from the first brace at the beginning of a line to the end.
    const lines = /^\{\n[^]*^\}\n$/m.exec(stdout)?.[0] ?? '';
    await tryConfig(JSON.parse(lines) as HostConfig);
  });

  it('says the same as JSON', async () => {
    const { code, stdout, stderr } = await run(['demo', '-o', 'json', '--out', folder]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as {
      ok: boolean;
      tools: unknown[];
      calls: { tool: string; isError: boolean; saved: { path: string; mimeType: string }[] }[];
      config: HostConfig;
    };
    expect(report).toMatchObject({ ok: true, road: 'account' });
    expect(report.tools).toHaveLength(19);
    expect(report.calls.filter(({ isError }) => isError).map(({ tool }) => tool)).toEqual([
      'paperkite_mishaps__break_midway',
    ]);
    const saved = report.calls.flatMap((call) => call.saved);
    expect(saved.map(({ mimeType }) => mimeType)).toEqual(['image/png', 'text/markdown']);
    const [picture, text] = await Promise.all(saved.map(({ path }) => readFile(path)));
    expect(decodePng(picture ?? Buffer.alloc(0)).width).toBe(640);
    expect(text?.toString()).toContain('- Lines: 3');
    await tryConfig(report.config);
  });
});
