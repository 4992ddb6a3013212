import { describe, expect, it } from 'vitest';
import { CLIENT_NAMES } from '../../../src/clients/client.ts';
import { type Machine, projectFile, userPlace } from '../../../src/clients/places.ts';

const MAC: Machine = { platform: 'darwin', env: {}, home: '/Users/mo' };
const WINDOWS: Machine = {
  platform: 'win32',
  env: { APPDATA: 'D:\\Roaming' },
  home: 'C:\\Users\\mo',
};
const LINUX: Machine = { platform: 'linux', env: {}, home: '/home/mo' };

describe('the file of a user', () => {
  it.each([
    ['claude-desktop', MAC, '/Users/mo/Library/Application Support/Claude/claude_desktop_config.json'],
    ['claude-desktop', WINDOWS, 'D:\\Roaming\\Claude\\claude_desktop_config.json'],
    ['claude-desktop', LINUX, '/home/mo/.config/Claude/claude_desktop_config.json'],
    ['claude-code', MAC, '/Users/mo/.claude.json'],
    ['claude-code', WINDOWS, 'C:\\Users\\mo\\.claude.json'],
    ['claude-code', LINUX, '/home/mo/.claude.json'],
    ['cursor', MAC, '/Users/mo/.cursor/mcp.json'],
    ['cursor', WINDOWS, 'C:\\Users\\mo\\.cursor\\mcp.json'],
    ['cursor', LINUX, '/home/mo/.cursor/mcp.json'],
    ['vscode', MAC, '/Users/mo/Library/Application Support/Code/User/mcp.json'],
    ['vscode', WINDOWS, 'D:\\Roaming\\Code\\User\\mcp.json'],
    ['vscode', LINUX, '/home/mo/.config/Code/User/mcp.json'],
  ] as const)('of %s on %o is %s', (client, machine, file) => {
    expect(userPlace(client, machine)?.file).toBe(file);
  });

  it('follows the variables that move it', () => {
    const moved = { ...LINUX, env: { XDG_CONFIG_HOME: '/etc/mo', CLAUDE_CONFIG_DIR: '/etc/claude' } };
    expect(userPlace('vscode', moved)?.file).toBe('/etc/mo/Code/User/mcp.json');
    expect(userPlace('claude-code', moved)).toEqual({
      file: '/etc/claude/.claude.json',
      signs: ['/etc/claude/.claude.json', '/etc/claude'],
    });
    const bare = { ...WINDOWS, env: {} };
    expect(userPlace('claude-desktop', bare)?.signs).toEqual(['C:\\Users\\mo\\AppData\\Roaming\\Claude']);
  });

  it('is not there for clients that have none', () => {
    expect(CLIENT_NAMES.filter((name) => userPlace(name, LINUX) === undefined)).toEqual([
      'cherry-studio',
      'json',
    ]);
  });
});

it('knows the file of a project, where a client has one', () => {
  const files = CLIENT_NAMES.map((name) => projectFile(name, '/home/ada/site', LINUX));
  expect(files).toEqual([
    undefined,
    '/home/ada/site/.mcp.json',
    '/home/ada/site/.cursor/mcp.json',
    '/home/ada/site/.vscode/mcp.json',
    undefined,
    undefined,
  ]);
  expect(projectFile('vscode', 'C:\\site', WINDOWS)).toBe('C:\\site\\.vscode\\mcp.json');
});
