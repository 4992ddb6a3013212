import { expect, it } from 'vitest';
import { VERSION } from '../../../src/version.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { cli, ENV } from '../../support/fake-cli.ts';

const COMMANDS = [
  [],
  ['login'],
  ['logout'],
  ['whoami'],
  ['init'],
  ['install'],
  ['serve'],
  ['keys'],
  ['keys', 'create'],
  ['keys', 'list'],
  ['keys', 'revoke'],
  ['tools'],
  ['tools', 'list'],
  ['tools', 'show'],
  ['tools', 'explain'],
  ['call'],
  ['doctor'],
  ['demo'],
  ['manifest'],
  ['manifest', 'pull'],
  ['manifest', 'diff'],
  ['manifest', 'schema'],
  ['config'],
  ['config', 'check'],
  ['config', 'show'],
  ['config', 'schema'],
  ['version'],
  ['help'],
];

it.each(COMMANDS.map((words) => [words.join(' '), words] as const))(
  'help of "%s" starts with an example and goes to standard output',
  async (name, words) => {
    const { code, stdout, stderr } = await cli([...words, '--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^Example:\n {2}npx dify-mcp-bridge /);
    await expect(stdout).toMatchFileSnapshot(
      `../../fixtures/cli/help-${name.replace(' ', '-') || 'program'}.txt`,
    );
  },
);

it('prints its version', async () => {
  expect(VERSION).toBe(manifest.version);
  expect(await cli(['--version'])).toMatchObject({ code: 0, stdout: `dify-mcp-bridge ${VERSION}\n` });
  expect((await cli(['version'])).stdout).toContain(
    `dify-mcp-bridge ${VERSION} (Node.js ${process.versions.node})`,
  );
  expect((await cli(['version', '-o', 'json'])).json()).toEqual({
    name: 'dify-mcp-bridge',
    version: VERSION,
    node: process.versions.node,
  });
});

it.each([
  [['serv'], /unknown command 'serv'.*\n.*Did you mean serve\?/],
  [['tools', 'lst'], /unknown command 'lst'.*\n.*Did you mean list\?/],
  [['tools', 'show'], /missing required argument 'name'.*\n.*See npx dify-mcp-bridge tools show --help/],
  [['install', 'emacs'], /cursor[^]*See npx dify-mcp-bridge install --help/],
  [['version', '-o', 'xml'], /'xml' is invalid.*text, json/],
  [['call', 'x', '--args'], /argument missing/],
  [
    ['call', 'x', 'city=Oslo', 'days=2'],
    /"city=Oslo days=2" follows the name of the tool[^]*--args '\{"city":"Oslo"\}'/,
  ],
])('refuses %j with a suggestion and exit code 2', async (argv, expected) => {
  const { code, stdout, stderr, configs } = await cli(argv);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^error: /);
  expect(stderr).toMatch(expected);
  expect(configs).toEqual([]);
});

it.each([
  [['--no-color', 'serve', '--htpt'], "unknown option '--htpt'", /Did you mean --http\?/],
  [['serve', 'now'], "too many arguments for 'serve'. Expected 0 arguments but got 1.", /--help/],
])('logs that %j is refused, because programs read what serve writes', async (argv, msg, hint) => {
  const { code, stderr } = await cli(argv);
  expect(code).toBe(2);
  expect(JSON.parse(stderr)).toMatchObject({
    level: 'error',
    code: 'usage',
    msg,
    hint: expect.stringMatching(hint),
  });
  expect((await cli(argv, { terminal: true, env: { NO_COLOR: '1' } })).stderr).toMatch(/^error: /);
});

it('prints an error of the command line as one line of JSON where JSON was asked for', async () => {
  for (const argv of [
    ['-o', 'json', 'serv'],
    ['serv', '--output=json'],
    ['serv', '-ojson'],
  ]) {
    const run = await cli(argv);
    expect(run.code).toBe(2);
    expect(run.jsonError().error).toEqual({
      code: 'usage',
      message: "unknown command 'serv'",
      hint: 'Did you mean serve? See npx dify-mcp-bridge --help.',
    });
  }
});

it('prints its help and exits with 2 when it is called without a command', async () => {
  const { code, stdout, stderr } = await cli([]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain('Usage: npx dify-mcp-bridge');
});

it('takes the common options before and after the command', async () => {
  const before = await cli(['-o', 'json', 'tools', 'list']);
  const after = await cli(['tools', 'list', '-o', 'json']);
  expect(before.stdout).toBe(after.stdout);
  expect(before.json()).toBeTypeOf('object');
});

it('reports every problem of the configuration and exits with 2, before anything is started', async () => {
  const env = { ...ENV, DIFY_API_URL: 'dify', DIFY_BRIDGE_PORT: 'x' };
  const text = await cli(['tools', 'list'], { env });
  expect(text).toMatchObject({ code: 2, stdout: '', configs: [] });
  expect(text.stderr).toMatch(
    /error: The configuration has 2 problems\.\n- env DIFY_API_URL: .*\n- env DIFY_BRIDGE_PORT/,
  );
  const json = await cli(['tools', 'list', '-o', 'json'], { env });
  expect(json.jsonError().error).toMatchObject({
    code: 'config_invalid',
    problems: [{ path: 'env DIFY_API_URL' }, { path: 'env DIFY_BRIDGE_PORT' }],
  });
});

it('reports a fault of its own without secrets', async () => {
  const { code, stderr } = await cli(['tools', 'list'], {
    io: { createApp: () => Promise.reject(new TypeError('cannot use fake-inner-key')) },
  });
  expect(code).toBe(1);
  expect(stderr).toContain('TypeError: cannot use [redacted]');
});

it('shows colours on a terminal only, and not when they are unwanted', async () => {
  const argv = ['tools', 'show', 'nothing'];
  const escape = '\u001b[';
  expect((await cli(argv, { terminal: true })).stderr).toContain(escape);
  expect((await cli(argv)).stderr).not.toContain(escape);
  expect((await cli([...argv, '--no-color'], { terminal: true })).stderr).not.toContain(escape);
  for (const variable of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
    expect((await cli(argv, { terminal: true, env: { ...ENV, ...variable } })).stderr).not.toContain(escape);
  }
});
