import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheFolder } from '../../../src/config/places.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { errorOf } from '../../support/error-of.ts';

const load = (env: Record<string, string>) =>
  loadConfig({ env: { HOME: '/nonexistent', ...env }, needsDify: false });

describe('the cache folder', () => {
  it.each([
    [{ HOME: '/home/ada' }, 'linux', '/home/ada/.cache/dify-mcp-bridge'],
    [{ HOME: '/home/ada', XDG_CACHE_HOME: '/cache' }, 'linux', '/cache/dify-mcp-bridge'],
    [{ HOME: '/home/ada', XDG_CACHE_HOME: '' }, 'linux', '/home/ada/.cache/dify-mcp-bridge'],
    [{ HOME: '/home/ada', XDG_CACHE_HOME: 'cache' }, 'linux', '/home/ada/.cache/dify-mcp-bridge'],
    [{ HOME: '/Users/ada' }, 'darwin', '/Users/ada/Library/Caches/dify-mcp-bridge'],
    [{ HOME: '/Users/ada', XDG_CACHE_HOME: '/cache' }, 'darwin', '/cache/dify-mcp-bridge'],
    [{ LOCALAPPDATA: '/ada/AppData/Local' }, 'win32', '/ada/AppData/Local/dify-mcp-bridge'],
    [{}, 'linux', join(homedir(), '.cache', 'dify-mcp-bridge')],
  ] as const)('of %j on %s is %s', (env, platform, folder) => {
    expect(cacheFolder(env, platform)).toBe(folder);
  });
});

describe('the public address', () => {
  it.each([
    ['https://bridge.example.com', 'https://bridge.example.com'],
    [' https://bridge.example.com/ ', 'https://bridge.example.com'],
    ['http://10.0.0.5:8080', 'http://10.0.0.5:8080'],
    ['https://example.com/tools/bridge//', 'https://example.com/tools/bridge'],
  ])('%j is taken as %s', async (value, expected) => {
    expect((await load({ DIFY_BRIDGE_PUBLIC_URL: value })).config.http.publicUrl).toBe(expected);
  });

  it.each([
    ['bridge.example.com', 'expected an address that starts with http:// or https://'],
    ['ftp://bridge.example.com', 'expected an address that starts with http:// or https://'],
    ['https://ada:secret@bridge.example.com', 'expected only an address'],
    ['https://bridge.example.com/?a=1', 'expected only an address'],
    ['https://bridge.example.com/mcp', 'omit /mcp'],
    ['https://bridge.example.com/x/mcp/view', 'omit /mcp'],
  ])('%j is refused', async (value, problem) => {
    const error = await errorOf(load({ DIFY_BRIDGE_PUBLIC_URL: value }));
    expect(error.problems).toEqual([
      { path: 'env DIFY_BRIDGE_PUBLIC_URL', message: expect.stringContaining(problem) },
    ]);
    expect(error.toText()).not.toContain('secret@');
  });
});
