import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAKE_TOOLS } from '../../support/fake-bridge.ts';
import { type Bundle, bundle } from '../../support/bundle.ts';
import { runHost } from '../../support/http-host.ts';
import {
  CLIENT_KINDS,
  connectClient,
  type ClientKind,
  type TestClient,
  type TestProgress,
} from '../../support/mcp-clients.ts';

const TRANSPORTS = ['HTTP', 'stdio'] as const;
const CASES = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));

interface Settings {
  readonly pageSize?: number;
  readonly progressIntervalMs?: number;
}

let program: Bundle;
beforeAll(async () => {
  program = await bundle('test/support/stdio-bridge.ts');
});
afterAll(() => program[Symbol.asyncDispose]());

interface Connected extends AsyncDisposable {
  readonly client: TestClient;
}

/** Connects a client to a bridge of its own. */
async function connect(transport: string, kind: ClientKind, settings: Settings = {}): Promise<Connected> {
  const { pageSize, progressIntervalMs } = settings;
  let client: TestClient;
  let end = async (): Promise<void> => undefined;
  if (transport === 'HTTP') {
    const running = await runHost({ ...settings, token: 'test-token' });
    end = () => running.host.close(0);
    client = await connectClient(kind, { url: running.url, token: 'test-token' });
  } else {
    const env = {
      ...(pageSize === undefined ? {} : { TEST_PAGE_SIZE: String(pageSize) }),
      ...(progressIntervalMs === undefined ? {} : { TEST_PROGRESS_MS: String(progressIntervalMs) }),
    };
    client = await connectClient(kind, { command: process.execPath, args: [program.path], env });
  }
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await end();
    },
  };
}

function texts(result: { readonly content: readonly { readonly text?: string }[] }): (string | undefined)[] {
  return result.content.map(({ text }) => text);
}

describe.each(CASES)('$kind client over $transport', ({ transport, kind }) => {
  let connected: Connected;
  let client: TestClient;
  /** A client of a bridge with pages and a short interval of progress. */
  let configured: Connected;
  beforeAll(async () => {
    connected = await connect(transport, kind);
    ({ client } = connected);
    configured = await connect(transport, kind, { pageSize: 4, progressIntervalMs: 60 });
  });
  afterAll(async () => {
    await connected[Symbol.asyncDispose]();
    await configured[Symbol.asyncDispose]();
  });

  it('learns who the bridge is and what it can do', async () => {
    expect(client.modern).toBe(kind === 'v2 auto' || kind === 'v2 pinned');
    expect(client.serverVersion).toMatchObject({ name: 'fake-bridge', version: '1.2.3' });
    expect(client.capabilities).toEqual({ tools: { listChanged: true }, logging: {} });
  });

  it('lists every tool in one page, with cache hints where the era has them', async () => {
    const page = await client.listPage();
    expect(page.tools.map(({ name }) => name)).toEqual(FAKE_TOOLS);
    expect(page.nextCursor).toBeUndefined();
    expect(page.tools[2]).toMatchObject({
      name: 'echo',
      title: 'Tool echo',
      description: 'Does echo.',
      inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
      annotations: { openWorldHint: true },
    });
    expect(page.ttlMs).toBe(client.modern ? 60_000 : undefined);
    expect(page.cacheScope).toBe(client.modern ? 'private' : undefined);
  });

  it('gets the list in pages when they are configured, and refuses a foreign cursor', async () => {
    const { client: paged } = configured;
    const names: string[] = [];
    const sizes: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await paged.listPage(cursor);
      sizes.push(page.tools.length);
      names.push(...page.tools.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(sizes).toEqual([4, 4, 3]);
    expect(names).toEqual(FAKE_TOOLS);
    await expect(paged.listPage('bm9uc2Vuc2U')).rejects.toMatchObject({
      code: -32_602,
      data: { code: 'invalid_cursor' },
    });
  });

  it('gets results, tool errors and media as they are', async () => {
    expect(await client.callTool('echo', { text: 'ünïcode ✓' })).toMatchObject({
      content: [{ type: 'text', text: 'ünïcode ✓' }],
    });
    expect(await client.callTool('structured')).toMatchObject({ structuredContent: { n: [1, null] } });
    expect(await client.callTool('image')).toMatchObject({
      content: [
        { type: 'text', text: 'dot.png' },
        { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' },
      ],
    });
    expect(await client.callTool('failing')).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: 'Dify said: no.' }],
    });
  });

  it('gets -32602 with advice for an unknown tool, and a result for a fault in the bridge', async () => {
    await expect(client.callTool('ecko')).rejects.toMatchObject({
      code: -32_602,
      message: expect.stringMatching(/No tool is named ecko\.\nSimilar: echo\.$/),
    });
    const fault = await client.callTool('throwing');
    expect(fault.isError).toBe(true);
    expect(texts(fault)[0]).toMatch(/^The bridge failed unexpectedly\.\nRequest ID: [0-9a-f-]{36}$/);
  });

  it('hears of progress in order and never after the result', async () => {
    const seen: (TestProgress | 'result')[] = [];
    const onprogress = (progress: TestProgress): void => {
      seen.push(progress);
      if (progress.message === 'Rank: failed') void client.callTool('echo', { text: 'go on' });
    };
    const result = await client.callTool('steps', { until: 'echo' }, { onprogress });
    seen.push('result');
    expect(texts(result)).toEqual(['stepped']);
    // Another round trip: whatever was still on its way has arrived by its end.
    await client.callTool('echo', { text: 'x' });
    expect(seen).toEqual([
      { progress: 0, message: 'Started' },
      { progress: 1, message: 'Search' },
      { progress: 2, message: 'Search: done' },
      { progress: 3, message: 'Rank: failed' },
      'result',
    ]);
    expect(client.errors).toEqual([]);
  });

  it('hears of output a few times a second, the latest included', async () => {
    const seen: TestProgress[] = [];
    const onprogress = (progress: TestProgress): void => {
      seen.push(progress);
      if (progress.message === 'Received 50 messages') void client.callTool('echo', { text: 'go on' });
    };
    await client.callTool('stretches', { until: 'echo' }, { onprogress });
    expect(seen.map(({ progress }) => progress)).toEqual(seen.map((_, index) => index));
    expect(seen.length).toBeLessThan(10);
    expect(seen[0]?.message).toBe('Started');
    expect(seen[1]?.message).toBe('Received 1 messages');
    expect(seen.at(-1)?.message).toBe('Received 50 messages');
  });

  it('hears a sign of life while the tool is silent', async () => {
    const seen: TestProgress[] = [];
    const enough = new AbortController();
    const onprogress = (progress: TestProgress): void => {
      seen.push(progress);
      if (seen.length === 4) enough.abort('enough');
    };
    await expect(
      configured.client.callTool('hang', {}, { signal: enough.signal, onprogress }),
    ).rejects.toThrow('enough');
    expect(seen[1]?.message).toMatch(/^Still waiting for Dify, \d+ s$/);
    expect(seen.map(({ progress }) => progress)).toEqual(seen.map((_, index) => index));
  });

  it('gets log messages at the level it asked for', async () => {
    const heard = client.logs.length;
    await client.callTool('steps');
    await client.callTool('echo', { text: 'x' });
    const all = [
      { level: 'info', logger: 'steps', data: { label: 'Search', status: 'start' } },
      { level: 'info', logger: 'steps', data: { label: 'Search', status: 'success', elapsed: 1.5 } },
      { level: 'error', logger: 'steps', data: { label: 'Rank', status: 'error', error: 'no index' } },
    ];
    // In the modern era a request that does not ask gets none; before it, a server decides by itself.
    expect(client.logs.slice(heard)).toEqual(client.modern ? [] : all);

    const before = client.logs.length;
    if (!client.modern) await client.setLogLevel('error');
    await client.callTool('steps', {}, { logLevel: 'error' });
    await client.callTool('echo', { text: 'x' });
    expect(client.logs.slice(before)).toEqual(all.slice(2));
  });

  it('cancels a call', async () => {
    const cancel = new AbortController();
    let call: Promise<unknown> | undefined;
    await new Promise<void>((resolve) => {
      call = client.callTool('hang', {}, { signal: cancel.signal, onprogress: () => resolve() });
    });
    cancel.abort('not needed');
    await expect(call).rejects.toThrow('not needed');
    await expect.poll(async () => texts(await client.callTool('cancelled_calls'))).toEqual(['1']);
    expect(client.errors).toEqual([]);
  });

  it('hears of a changed list and then sees it', async () => {
    await client.listPage();
    const changed = client.nextListChange();
    await client.callTool('change_list');
    await changed;
    const names = (await client.listPage()).tools.map(({ name }) => name);
    expect(names).toContain(`added_${FAKE_TOOLS.length}`);
  });

  it('has many calls under way at once', async () => {
    const numbers = Array.from({ length: 40 }, (_, index) => `call ${index}`);
    const results = await Promise.all(numbers.map((text) => client.callTool('echo', { text })));
    expect(results.flatMap(texts)).toEqual(numbers);
  });
});
