import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'fast-string-width';
import { beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { asTyped } from '../../../src/cli/typed.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { cli, ENV, FETCHED } from '../../support/fake-cli.ts';
import { provider, registryOf, tool } from '../../support/declarations.ts';

/** Tools with long names and Chinese texts, some withheld. */
const CHINESE = registryOf([
  provider(
    'acme/office/office',
    [
      tool('send_group_message', [], {
        label: { en_US: '向指定的群聊发送一条消息并通知所有成员' },
        description: { en_US: '向指定的群聊发送消息。' },
      }),
      tool('recognise_value_added_tax_invoice', [], { label: { en_US: '识别增值税发票' } }),
    ],
    { label: { en_US: '办公助手' }, authorized: false },
  ),
]);

const HELP = [
  [],
  ['init'],
  ['install'],
  ['serve'],
  ['tools'],
  ['tools', 'list'],
  ['call'],
  ['doctor'],
  ['demo'],
];
const TOPICS = ['environment', 'exit-codes', 'troubleshooting'];

describe.each([80, 60, 40])('a terminal of %d columns', (columns) => {
  const run = (argv: readonly string[], more = {}) => cli(argv, { terminal: true, columns, ...more });

  it.each(HELP.map((words) => [[...words, '--help']]).concat(TOPICS.map((topic) => [['help', topic]])))(
    'has space for %j',
    async (argv) => {
      expect(tooWide((await run(argv)).stdout, columns)).toEqual([]);
    },
  );

  it.each([
    ['tools list', ['tools', 'list'], {}],
    ['tools list in Chinese', ['tools', 'list'], { app: { registry: CHINESE } }],
    ['tools explain', ['tools', 'explain', 'acme_weather__now'], {}],
    ['tools show', ['tools', 'show', 'acme_office__send_group_message'], { app: { registry: CHINESE } }],
    ['config show', ['config', 'show'], {}],
    ['config check', ['config', 'check'], { env: { ...ENV, DIFY_BRIDGE_PROT: '1' } }],
    ['an error', ['tools', 'explain', 'nothing'], {}],
    ['errors of the configuration', ['doctor'], { env: { HOME: ENV.HOME } }],
    ['an error of usage', ['tols'], {}],
  ])('has space for %s', async (_, argv, more) => {
    const { stdout, stderr } = await run(argv, more);
    // JSON is for copying, so its lines stay as they are.
    const text = `${stdout}${stderr}`.split('Input\n')[0] ?? '';
    expect(text.length).toBeGreaterThan(20);
    expect(tooWide(text, columns)).toEqual([]);
  });
});

it('continues every line of a list below its own first word', async () => {
  const { stdout } = await cli(['tools', 'list'], {
    terminal: true,
    columns: 40,
    app: { registry: CHINESE },
  });
  expect(stdout).toMatch(/not usable yet.*\n\S/);
});

describe('a command that a text names', () => {
  const asked = (script?: string) =>
    cli(
      ['tools', 'explain', 'nothing'],
      script === undefined ? {} : { io: { program: { node: 'node', script } } },
    );

  it.each([
    [undefined, 'See npx dify-mcp-bridge tools list.'],
    ['/home/ada/project/node_modules/.bin/dify-mcp-bridge', 'See npx dify-mcp-bridge tools list.'],
    ['/usr/local/bin/dify-mcp-bridge', 'See dify-mcp-bridge tools list.'],
    // As in a container, whose folder is that of the program, and from elsewhere.
    [join(process.cwd(), 'dist', 'main.js'), `See node ${join('dist', 'main.js')} tools list.`],
    ['/opt/bridge/dist/main.js', 'See node /opt/bridge/dist/main.js tools list.'],
  ])('runs as the program that names it: %s', async (script, expected) => {
    expect((await asked(script)).stderr).toContain(expected);
  });

  const names = COMMANDS.map((entry) => ('usage' in entry ? entry.usage.split(' ')[0] : entry.name));
  it.each(names)('is recognised: %s', (name) => {
    const io = { program: { node: 'node', script: FETCHED } };
    expect(asTyped(io, `Run dify-mcp-bridge ${name}.`)).toBe(`Run npx dify-mcp-bridge ${name}.`);
  });

  it('is never given npx twice', async () => {
    const { stdout, stderr } = await cli(['help', 'troubleshooting']);
    expect(stdout + stderr).not.toContain('npx npx');
  });
});

describe('doctor', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await createSandbox({ version: '1.16.0' });
    return () => sandbox.close();
  });

  const doctor = (env: Readonly<Record<string, string | undefined>>) =>
    cli(['doctor'], { env: { HOME: ENV.HOME, DIFY_BRIDGE_PORT: '0', ...env } });

  it('says in one line what one missing thing skips', async () => {
    const { stdout } = await doctor({});
    const skipped = stdout.split('\n').filter((line) => line.startsWith('skip'));
    expect(skipped).toEqual([
      'skip  file store, address, version, inner key, workspace, catalogue, file signing, clock, port: Not checked, because the configuration comes first.',
    ]);
  });

  it('does not speak of the secret key where Dify does not need it', async () => {
    const { innerApiKey, workspaceId, adminApiKey } = sandbox.credentials;
    const { stdout, stderr } = await doctor({
      DIFY_API_URL: sandbox.url,
      DIFY_INNER_API_KEY: innerApiKey,
      DIFY_WORKSPACE_ID: workspaceId,
      DIFY_ADMIN_API_KEY: adminApiKey,
    });
    expect(stdout).toContain('pass  file signing: ');
    expect(stdout + stderr).not.toContain('SECRET_KEY');
  });
});

/** The lines that are wider, apart from those that are one word, such as a path, which would not work if broken. */
function tooWide(text: string, columns: number): string[] {
  const plain = stripVTControlCharacters(text);
  return plain.split('\n').filter((line) => stringWidth(line) > columns && /\S\s+[^\s\\]/.test(line));
}
