import { describe, expect, it } from 'vitest';
import { CLIENTS, type ClientName } from '../../../src/clients/client.ts';
import { withEntry, withoutEntry } from '../../../src/clients/edit.ts';
import { type ServerTarget, serverEntry } from '../../../src/clients/server-entry.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import * as fc from '../../support/fast-check.ts';

const STDIO = {
  kind: 'stdio',
  command: 'npx',
  args: ['-y', 'dify-mcp-bridge@0.1', 'serve'],
  clientSecrets: false,
} as const;
const ASKED: ServerTarget = { ...STDIO, clientSecrets: true };
const HTTP: ServerTarget = { kind: 'http', url: 'https://bridge.example.com/mcp', authorization: true };

const file = (client: ClientName, text: string, name = 'dify') => ({
  client: CLIENTS[client],
  file: 'mcp.json',
  text,
  name,
});
const put = (client: ClientName, text: string, target: ServerTarget = STDIO) =>
  withEntry(file(client, text), serverEntry(CLIENTS[client], target));
const drop = (client: ClientName, text: string) => withoutEntry(file(client, text));

/** As a developer's file looks after a year. */
const CURSOR = `{
  // servers for work
  "mcpServers": {
    "github": {
      "command": "docker",
      "args": ["run", "-i", "--rm", "ghcr.io/example/mcp"],
      "env": { "TOKEN": "fake-github-token" } // rotate in May
    },
    /* the old wiki */
    "wiki": { "url": "https://wiki.example.com/mcp", },
  },
  "somethingElse": [1, 2,3]
}
`;

describe('an entry', () => {
  it('is added next to others, whose text stays byte for byte', () => {
    const { text, change } = put('cursor', CURSOR);
    expect(change).toBe('added');
    const anchor = '"wiki": { "url": "https://wiki.example.com/mcp", },';
    const [before, after] = CURSOR.split(anchor);
    expect(text).toBe(`${before}${anchor}
    "dify": {
      "command": "npx",
      "args": [
        "-y",
        "dify-mcp-bridge@0.1",
        "serve"
      ]
    },${after}`);
    expect(put('cursor', text)).toEqual({ text, change: 'unchanged' });
  });

  it('is taken out again, which leaves what was there', () => {
    const { text, change } = drop('cursor', put('cursor', CURSOR).text);
    expect(change).toBe('removed');
    expect(text).toBe(CURSOR);
    expect(drop('cursor', CURSOR)).toEqual({ text: CURSOR, change: 'unchanged' });
  });

  it('starts a file that is empty or not there', () => {
    for (const text of ['', '\n', '{}', '{\n}\n']) {
      expect(JSON.parse(put('claude-desktop', text).text)).toEqual({
        mcpServers: { dify: { command: 'npx', args: ['-y', 'dify-mcp-bridge@0.1', 'serve'] } },
      });
    }
    expect(put('claude-desktop', '').text).toMatch(/^\{\n {2}"mcpServers": \{\n {4}"dify"[^]*\}\n$/);
  });

  it('changes only what leads to the bridge, and keeps what the user added', () => {
    const old = `{
  "mcpServers": {
    "dify": {
      "command": "node", // by hand
      "args": ["/old/main.js"],
      "timeout": 120,
      "env": { "DIFY_ADMIN_API_KEY": "fake-admin-key", "HTTPS_PROXY": "http://proxy.test:3128" }
    }
  }
}`;
    const { text, change } = put('cursor', old);
    expect(change).toBe('changed');
    expect(text).toContain('// by hand');
    const { mcpServers } = JSON.parse(text.replace('// by hand', '')) as Record<string, unknown>;
    expect(mcpServers).toEqual({
      dify: {
        command: 'npx',
        args: STDIO.args,
        timeout: 120,
        env: { HTTPS_PROXY: 'http://proxy.test:3128' },
      },
    });
  });

  it('goes from one transport to the other without leftovers', () => {
    const http = put('claude-code', put('claude-code', '').text, HTTP);
    expect(JSON.parse(http.text)).toEqual({
      mcpServers: {
        dify: {
          type: 'http',
          url: 'https://bridge.example.com/mcp',
          headers: { Authorization: 'Bearer ${DIFY_BRIDGE_TOKEN}' },
        },
      },
    });
    expect(JSON.parse(put('claude-code', http.text).text)).toEqual(JSON.parse(put('claude-code', '').text));
  });

  it('replaces a value that is no object', () => {
    expect(JSON.parse(put('json', '{"mcpServers":{"dify":null}}').text)).toEqual(
      JSON.parse(put('json', '').text),
    );
  });

  it.each([
    ['tabs', '{\n\t"mcpServers": {\n\t\t"a": {}\n\t}\n}', /\n\t\t"dify": \{\n\t\t\t"command"/],
    ['four spaces', '{\n    "mcpServers": {}\n}', /\n {8}"dify": \{\n {12}"command"/],
    ['line ends of Windows', '{\r\n  "mcpServers": {}\r\n}\r\n', /^(?:[^\n]*\r\n)+$/],
    ['a byte order mark', '\u{FEFF}{}', /^\u{FEFF}\{/u],
  ])('is written with %s like the rest', (_what, text, pattern) => {
    expect(put('cursor', text).text).toMatch(pattern);
  });

  it('is named __proto__ or anything else without harm', () => {
    const target = file('json', '{"mcpServers":{}}', '__proto__');
    const { text } = withEntry(target, serverEntry(CLIENTS.json, STDIO));
    expect(text).toContain('"__proto__"');
  });
});

describe('the text around an entry', () => {
  it.each([
    // A comment next to the previous entry stays there, with and without a comma.
    ['{\n  "mcpServers": {\n    "a": {} // first\n  }\n}', '"a": {}, // first\n    "dify": {'],
    ['{\n  "mcpServers": {\n    "a": {}, /* first */\n  }\n}', '"a": {}, /* first */\n    "dify": {'],
    ['{\n  "mcpServers": {\n    "a": {} /* first */ ,\n  }\n}', '"a": {} /* first */ ,\n    "dify": {'],
    ['{\n  "mcpServers": {\n    // none yet\n  }\n}', '"mcpServers": {\n    "dify": {'],
    // A list on one line stays on one line.
    ['{\n  "mcpServers": { "a": {} }\n}', '"mcpServers": { "a": {}, "dify": { "command": "npx"'],
    ['{"mcpServers":{"a":{}}}', '{"mcpServers":{"a":{},"dify":{"command":"npx"'],
  ])('in %j', (text, expected) => {
    const added = put('cursor', text).text;
    expect(added).toContain(expected);
    expect(drop('cursor', added).text.replaceAll(/[\s,]/g, '')).toBe(text.replaceAll(/[\s,]/g, ''));
  });

  it.each([
    ['{ "mcpServers": { "dify": {}, "b": 1 } }', '{ "mcpServers": { "b": 1 } }'],
    ['{ "mcpServers": { "b": 1, "dify": {} } }', '{ "mcpServers": { "b": 1 } }'],
    [
      '{ "mcpServers": {\n  "b": 1, // one\n  // the bridge\n  "dify": {}\n} }',
      '{ "mcpServers": {\n  "b": 1 // one\n  // the bridge\n} }',
    ],
    ['{ "mcpServers": {\n  "dify": {\n  },\n  "b": 1\n} }', '{ "mcpServers": {\n  "b": 1\n} }'],
    ['{"mcpServers":{"dify":{}}}', '{"mcpServers":{}}'],
  ])('is left by taking it out of %j', (text, expected) => {
    expect(drop('cursor', text).text).toBe(expected);
  });
});

describe('inputs of VS Code', () => {
  const SHARED = `{
  "inputs": [
    // the team's
    { "type": "promptString", "id": "jira_token", "description": "Jira", "password": true }
  ],
  "servers": { "jira": { "url": "https://jira.example.com/\${input:jira_token}" } }
}`;

  it('are added once, hide what is secret, and go with the last entry that needs them', () => {
    const asked = put('vscode', SHARED, ASKED);
    const inputs = [...asked.text.matchAll(/"id": "(\w+)"/g)].map(([, id]) => id);
    expect(inputs).toEqual([
      'jira_token',
      'dify_api_url',
      'dify_inner_api_key',
      'dify_workspace_id',
      'dify_admin_api_key',
      'dify_secret_key',
    ]);
    expect(asked.text.match(/"password": true/g)).toHaveLength(4);
    expect(asked.text).toContain(`"DIFY_INNER_API_KEY": "\${input:dify_inner_api_key}"`);
    const again = put('vscode', asked.text, ASKED);
    expect(again.change).toBe('unchanged');
    const removed = drop('vscode', asked.text).text;
    expect(removed).toBe(SHARED);
  });

  it('stay while another server uses them', () => {
    const two = withEntry(
      file('vscode', put('vscode', '', HTTP).text, 'second'),
      serverEntry(CLIENTS.vscode, HTTP),
    );
    const one = withoutEntry(file('vscode', two.text));
    expect(JSON.parse(one.text)).toMatchObject({ inputs: [{ id: 'dify_bridge_token' }] });
    expect(JSON.parse(withoutEntry(file('vscode', one.text, 'second')).text)).toEqual({ servers: {} });
    // From HTTP with a token to a bridge that is started: nothing is to be asked for any more.
    expect(JSON.parse(put('vscode', put('vscode', '', HTTP).text).text)).not.toHaveProperty('inputs');
  });
});

describe('a file that cannot be understood', () => {
  it.each([
    ['{\n  "mcpServers": {\n    "a": }\n}', 'line 3, column 10: value expected'],
    ['{ "mcpServers": {} ', 'line 1, column 20: close brace expected'],
    ['{"mcpServers":{}} {}', 'end of file expected'],
    ['[]', 'line 1, column 1: expected an object'],
    ['"text"', 'expected an object'],
    ['// nothing but a remark', 'value expected'],
    ['{\n "mcpServers": []}', 'line 2, column 2: expected "mcpServers" to be an object'],
    ['{"mcpServers":{},\n"mcpServers":{}}', 'line 2, column 1: "mcpServers" is a duplicate key'],
    ['{"mcpServers":{"dify":{},\n"dify":{}}}', 'line 2, column 1: "dify" is a duplicate key'],
  ])('is refused with line and column: %j', (text, message) => {
    for (const act of [() => put('cursor', text), () => drop('cursor', text)]) {
      expect(act).toThrow(BridgeError);
      expect(act).toThrow(message);
    }
  });

  it('is refused too where VS Code keeps its inputs', () => {
    expect(() => put('vscode', '{"inputs":{}}', HTTP)).toThrow('expected "inputs" to be a list');
  });
});

describe('any other file', () => {
  const names = fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== 'dify');
  const servers = fc.dictionary(names, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
  const style = fc.constantFrom(undefined, 2, 4, '\t');

  it('keeps everything else, and has the entry once', () => {
    fc.assert(
      fc.property(servers, fc.jsonValue({ maxDepth: 2 }), style, (others, more, space) => {
        const before = { more, mcpServers: others };
        const { text } = put('cursor', JSON.stringify(before, null, space));
        const after = JSON.parse(text) as { mcpServers: Record<string, unknown> };
        const { dify, ...rest } = after.mcpServers;
        expect(dify).toBeDefined();
        expect({ ...after, mcpServers: rest }).toEqual(JSON.parse(JSON.stringify(before)));
        expect(JSON.parse(drop('cursor', text).text)).toEqual(JSON.parse(JSON.stringify(before)));
      }),
    );
  });
});
