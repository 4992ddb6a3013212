import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { CLIENT_KINDS, type TestClient, type TestResult } from '../../support/mcp-clients.ts';
import { decodePng } from '../../support/png.ts';
import { type RunningBridge, sandboxEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';

const CASES = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));
const TOKEN = 'fake-bridge-token';

let sandbox: Sandbox;
let dir: string;
beforeAll(async () => {
  sandbox = await createSandbox();
  dir = mkdtempSync(join(tmpdir(), 'bridge-kept-'));
});
afterAll(async () => {
  await sandbox.close();
  rmSync(dir, { recursive: true });
});

/** A bridge that keeps files in a folder and shows no image. */
function bridge(env: Record<string, string> = {}): Promise<RunningBridge> {
  const settings = {
    DIFY_BRIDGE_FILES_STORE: 'directory',
    DIFY_BRIDGE_FILES_DIR: dir,
    DIFY_BRIDGE_TOOLS_MAX_IMAGE_BYTES: '100B',
    DIFY_BRIDGE_TOKEN: TOKEN,
  };
  return startBridge({ env: { ...sandboxEnv(sandbox), ...settings, ...env } });
}

async function chart(client: TestClient): Promise<{ readonly uri: string; readonly text: string }> {
  const result = await client.callTool('paperkite_studio__draw_chart', {
    title: 'Sales',
    labels: ['May', 'June'],
    values: [1, 2],
  });
  const link = result.content.find(({ type }) => type === 'resource_link') as { uri: string } | undefined;
  return { uri: link?.uri ?? '', text: textOf(result) };
}

async function download(text: string): Promise<Buffer> {
  const [url = ''] = /http:\S+\/files\/\S+\/chart\.png/.exec(text) ?? [];
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}

function pathIn(text: string): string {
  return new RegExp(`${dir}\\S+chart\\.png`).exec(text)?.[0] ?? '';
}

function textOf({ content }: TestResult): string {
  return content.flatMap(({ text }) => text ?? []).join('\n');
}

describe.each(CASES)('$kind client over $transport', ({ transport, kind }) => {
  it('finds the file of a result in its list, reads it, and gets it in the way that the text says', async () => {
    await using running = await bridge();
    const client = await running.connect(kind, transport);
    const { uri, text } = await chart(client);
    const { resources } = await client.listResources();
    expect(resources[0]).toMatchObject({ uri, name: 'chart.png', mimeType: 'image/png' });
    const { contents } = await client.readResource(uri);
    const bytes = Buffer.from(String(contents[0]?.blob), 'base64');
    expect(bytes.length).toBe(resources[0]?.size);
    expect(decodePng(bytes)).toMatchObject({ width: 640, height: 400 });
    const named = transport === 'HTTP' ? await download(text) : readFileSync(pathIn(text));
    expect(named.equals(bytes)).toBe(true);
    expect(text.includes(dir)).toBe(transport === 'stdio');
    // The log contains no download address.
    const { host } = new URL(uri);
    expect(running.log.filter((line) => line.includes(host))).toEqual([]);
  });
});

describe('a kept file', () => {
  it('is shown neither to the other transport nor to another token', async () => {
    await using running = await bridge();
    const local = await running.connect('v1', 'stdio');
    const remote = await running.connect('v1', 'HTTP');
    const [ofLocal, ofRemote] = [await chart(local), await chart(remote)];
    await expect(remote.readResource(ofLocal.uri)).rejects.toMatchObject({ code: -32_602 });
    await expect(local.readResource(ofRemote.uri)).rejects.toMatchObject({ code: -32_602 });
    await using other = await bridge({ DIFY_BRIDGE_TOKEN: 'fake-other-token' });
    const stranger = await other.connect('v2 pinned');
    expect((await stranger.listResources()).resources).toEqual([]);
    await expect(stranger.readResource(ofRemote.uri)).rejects.toMatchObject({ code: -32_602 });
  });

  it('is there again after a restart, for the same token', async () => {
    let uri = '';
    {
      await using running = await bridge();
      ({ uri } = await chart(await running.connect('v2 auto')));
    }
    await using running = await bridge();
    const client = await running.connect('v1');
    expect((await client.readResource(uri)).contents).toMatchObject([{ uri, mimeType: 'image/png' }]);
  });

  it('is offered under the address that clients reach the bridge at', async () => {
    await using running = await bridge({ DIFY_BRIDGE_PUBLIC_URL: 'https://tools.example.com/bridge' });
    const { text } = await chart(await running.connect('v1'));
    expect(text).toContain('https://tools.example.com/bridge/files/');
    const [path = ''] = /\/files\/\S+\/chart\.png/.exec(text) ?? [];
    const { origin } = new URL(await running.url());
    expect((await fetch(`${origin}${path}`)).status).toBe(200);
  });

  it('has no address on a bridge that listens everywhere and does not know its own', async () => {
    await using running = await bridge({ DIFY_BRIDGE_HOST: '0.0.0.0' });
    await running.url();
    expect(running.log.join('')).toContain('http.publicUrl');
  });

  it('leaves no temporary file and no open handle behind, in 200 calls of 20 at a time', async () => {
    await using running = await bridge({ DIFY_BRIDGE_CALLS_MAX_QUEUED: '300' });
    const client = await running.connect('v2 pinned');
    await chart(client);
    const uris: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      const charts = await Promise.all(Array.from({ length: 20 }, () => chart(client)));
      await Promise.all(charts.map(({ uri }) => client.readResource(uri)));
      uris.push(...charts.map(({ uri }) => uri));
    }
    expect(new Set(uris).size).toBe(200);
    expect(readdirSync(dir).filter((name) => name.startsWith('.'))).toEqual([]);
    const open = readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        // The one that was open for this listing.
        return [];
      }
    });
    expect(open.length).toBeGreaterThan(5);
    expect(open.filter((path) => path.startsWith(dir))).toEqual([]);
  });
});
