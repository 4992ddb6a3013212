// @module-tag redis
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ApiKey, formatKeys, keyHash, newKey } from '../../../src/http/key-file.ts';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { text } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { type ClientKind, connectClient } from '../../support/mcp-clients.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { sandboxEnv, startBridge } from '../../support/running-bridge.ts';

const ERAS: readonly ClientKind[] = ['v1', 'v2 pinned'];
const redis = await sharedRedis();

const reader = builtinProvider('tests/reader/reader', {
  label: 'Reader',
  description: 'Reads files.',
  tools: [
    defineTool(
      'read',
      { description: 'Reads a file.', parameters: [parameter('file', { type: 'file' })] },
      async function* () {
        yield text('read');
      },
    ),
  ],
});

/** Bridges with a key each for ada and grace, one after the other. */
function setUp(env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-end-users-'));
  const path = join(folder, 'keys.json');
  const keys = new Map(['ada', 'grace'].map((name) => [name, newKey()]));
  const entries = [...keys].map(([name, key]): ApiKey => {
    return { name, sha256: keyHash(key), views: ['default'], created: new Date() };
  });
  writeFileSync(path, formatKeys(entries), { mode: 0o600 });
  return {
    start: (sandbox: Sandbox) =>
      startBridge({
        env: {
          ...sandboxEnv(sandbox),
          DIFY_USER_PER_PRINCIPAL: 'true',
          DIFY_BRIDGE_KEYS_FILE: path,
          DIFY_BRIDGE_FILES_DIR: folder,
          ...env,
        },
      }),
    /** Calls a tool with a file as each of the two, several times at once. */
    async call(bridge: Awaited<ReturnType<typeof startBridge>>, kind: ClientKind) {
      const url = await bridge.url();
      await bridge.app.registry.ready();
      for (const token of keys.values()) {
        const client = await connectClient(kind, { url, token });
        const args = { file: { data: 'AAAA', filename: 'a.bin' } };
        const results = await Promise.all([1, 2, 3].map(() => client.callTool('tests_reader__read', args)));
        for (const result of results) {
          expect(result.content).toContainEqual(expect.objectContaining({ text: 'read' }));
        }
        await client.close();
      }
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

async function withReader(version?: string): Promise<Sandbox> {
  const sandbox = await createSandbox({ ...(version !== undefined && { version }) });
  sandbox.workspace.addProvider(reader);
  return sandbox;
}

describe.each(ERAS)('a principal (%s)', (kind) => {
  it.each(['a file', 'Redis'])(
    'has one end user for all of its calls and files, recorded in %s',
    async (place) => {
      using setting = setUp(place === 'Redis' ? { DIFY_BRIDGE_REDIS_URL: redis.newUrl() } : {});
      const sandbox = await withReader();
      for (let start = 0; start < 2; start += 1) {
        await using bridge = await setting.start(sandbox);
        await setting.call(bridge, kind);
        expect(sandbox.workspace.endUserCount).toBe(2);
      }
      await sandbox.close();

      // Another Dify does not know the recorded ones.
      const other = await withReader();
      await using bridge = await setting.start(other);
      await setting.call(bridge, kind);
      expect(other.workspace.endUserCount).toBe(2);
      await other.close();
    },
  );
});

describe('without the setting', () => {
  it('all principals are one anonymous end user', async () => {
    using setting = setUp({ DIFY_USER_PER_PRINCIPAL: 'false' });
    const sandbox = await withReader();
    await using bridge = await setting.start(sandbox);
    await setting.call(bridge, 'v1');
    expect(sandbox.workspace.endUserCount).toBe(1);
    await sandbox.close();
  });
});

describe('a Dify that creates no end users', () => {
  it('makes calls fail with the release that does', async () => {
    using setting = setUp();
    const sandbox = await withReader('1.8.1');
    await using bridge = await setting.start(sandbox);
    await bridge.app.registry.ready();
    const result = await bridge.app.callTool(
      'tests_reader__read',
      {},
      { signal: new AbortController().signal },
    );
    expect(result).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('dify.userPerPrincipal requires Dify 1.9.0 or later') }],
    });
    await sandbox.close();
  });
});
