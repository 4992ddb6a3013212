import { readdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CLIENT_NAMES, CLIENTS, type ClientName } from '../../../src/clients/client.ts';
import { newFileText } from '../../../src/clients/edit.ts';
import { projectFile, userPlace } from '../../../src/clients/places.ts';
import { launchCommand } from '../../../src/clients/server-entry.ts';
import { settingsTable } from '../../../src/config/settings.ts';
import { VERSION } from '../../../src/version.ts';

const FOLDER = resolve(fileURLToPath(import.meta.url), '../../../../manifests/clients');
const ALL = snippets('/home/you/.config/dify-mcp-bridge/config.yaml');
const nameOf = ({ client, transport }: Snippet): string => `${client}.${transport}.json`;

/** The file of a client with the bridge as its only server. */
interface Snippet {
  readonly client: ClientName;
  readonly transport: 'stdio' | 'http';
  readonly text: string;
}

/**
 * One for each client and transport that it has. They hold no secret: clients that ask or fill in variables do so, all
 * others start the bridge with a configuration file at `config`.
 */
function snippets(config: string): readonly Snippet[] {
  return CLIENT_NAMES.flatMap((client): Snippet[] => {
    const about = CLIENTS[client];
    // Cursor could too, but a program of the desktop seldom has variables of a shell.
    const clientSecrets = client === 'vscode' || client === 'claude-code';
    const args = clientSecrets ? ['serve'] : ['serve', '--config', config];
    const start = launchCommand(about, { program: 'npx', version: VERSION, platform: 'linux', args });
    const stdio = newFileText(about, 'dify', { kind: 'stdio', ...start, clientSecrets });
    const http = { kind: 'http', url: 'https://bridge.example.com/mcp', authorization: true } as const;
    return [
      { client, transport: 'stdio', text: stdio },
      ...(about.http ? [{ client, transport: 'http', text: newFileText(about, 'dify', http) } as const] : []),
    ];
  });
}

const HOW = {
  mac: { platform: 'darwin', env: {}, home: '~' },
  windows: { platform: 'win32', env: { APPDATA: '%APPDATA%' }, home: '%USERPROFILE%' },
  linux: { platform: 'linux', env: {}, home: '~' },
};

function readme(): string {
  const rows = ALL.map((snippet) => {
    const { client, transport, text } = snippet;
    const places = Object.values(HOW).map((machine) => userPlace(client, machine)?.file);
    const project = projectFile(client, '.', HOW.linux);
    const file =
      places[0] === undefined ? [] : [...new Set(places), ...(project === undefined ? [] : [project])];
    const secrets = [
      [/\$\{input:/, 'asked for once, stored by the client'],
      [/\$\{env:|\$\{DIFY/, "variables of the client's environment"],
      [/PUT-TOKEN-TOKEN/, 'inserted by hand'],
      [/--config/, "the bridge's configuration file"],
    ] as const;
    const where = secrets.find(([pattern]) => pattern.test(text))?.[1] ?? '';
    const shown = file.map((path) => `\`${path}\``).join(', ') || 'pasted';
    const title = client === 'json' ? 'any other' : CLIENTS[client].title;
    return `| [${nameOf(snippet)}](${nameOf(snippet)}) | ${title} | ${transport} | ${shown} | ${where} |`;
  });
  return `# Client configurations

Generated (\`npm run docs\`) from what \`dify-mcp-bridge install CLIENT\` writes; see
[docs/installation.md](../../docs/installation.md#clients). None of them contains a secret.

| snippet | client | transport | goes into | keys and token |
|---|---|---|---|---|
${rows.join('\n')}

\`json\` is for any other client that reads \`mcpServers\`. On Windows, for clients other than VS Code and Cherry Studio, use
\`"command": "cmd"\` and put \`"/c", "npx"\` before the arguments.
`;
}

describe('the snippets', () => {
  // `npm run docs` writes the files; this compares them.
  it.each(ALL.map((snippet) => [nameOf(snippet), snippet] as const))(
    '%s is as generated',
    async (name, { text }) => {
      await expect(text).toMatchFileSnapshot(resolve(FOLDER, name));
    },
  );

  it('are listed in their README', async () => {
    await expect(readme()).toMatchFileSnapshot(resolve(FOLDER, 'README.md'));
    expect(readdirSync(FOLDER).sort()).toEqual([...ALL.map(nameOf), basename('README.md')].sort());
  });

  it('are JSON with one server, without secrets', () => {
    for (const { client, text } of ALL) {
      const parsed = JSON.parse(text) as Record<string, Record<string, { env?: Record<string, string> }>>;
      const server = parsed[CLIENTS[client].container]?.['dify'];
      expect(server, client).toBeDefined();
      for (const value of Object.values(server?.env ?? {})) expect(value).toMatch(/^\$\{.*\}$/);
    }
  });

  it('name only variables that there are', () => {
    const known = new Set(settingsTable().map(({ env }) => env));
    const named = ALL.flatMap(({ text }) => text.match(/DIFY_\w+/g) ?? []);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('the command', () => {
  const options = { version: '1.24.7', args: ['serve'] } as const;

  it('is pinned to major and minor number', () => {
    expect(launchCommand(CLIENTS.cursor, { ...options, program: 'npx', platform: 'linux' })).toEqual({
      command: 'npx',
      args: ['-y', 'dify-mcp-bridge@1.24', 'serve'],
    });
  });

  it('goes through cmd on Windows where the client needs that', () => {
    const windows = { ...options, program: 'npx', platform: 'win32' } as const;
    expect(launchCommand(CLIENTS['claude-desktop'], windows)).toEqual({
      command: 'cmd',
      args: ['/c', 'npx', '-y', 'dify-mcp-bridge@1.24', 'serve'],
    });
    expect(launchCommand(CLIENTS.vscode, windows).command).toBe('npx');
  });

  it('is this very program where that is wanted', () => {
    const program = { node: 'C:\\node.exe', script: 'C:\\bridge\\main.js' };
    expect(launchCommand(CLIENTS.cursor, { ...options, program, platform: 'win32' })).toEqual({
      command: 'C:\\node.exe',
      args: ['C:\\bridge\\main.js', 'serve'],
    });
  });
});
