import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Config } from '../../../src/config/schema.ts';
import type { CallObserver } from '../../../src/model/call.ts';
import type { ToolResult } from '../../../src/model/content.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import { cli, ENV } from '../../support/fake-cli.ts';

const NOW = 'acme_weather__now';
const SEND = 'acme_post__send';
const STUCK = 'acme_weather__stuck';

const folder = (): string => mkdtempSync(join(tmpdir(), 'bridge-cli-'));
const nothingLoaded = new BridgeError('catalog_unavailable', 'The tools could not be loaded.');

describe('tools list', () => {
  it('prints what is published, what is not, and closes the bridge', async () => {
    const { code, stdout, stderr, events } = await cli(['tools', 'list']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/NAME +BYTES +~TOKENS +TITLE +IN DIFY\n/);
    expect(stdout).toMatch(/acme_weather__now +\d+ +\d+ {2}Title of now /);
    expect(stdout).toMatch(/acme_post__send .*\(no credentials\)/);
    expect(stdout).toMatch(/Not published.*\nacme_weather__stuck {2}incomplete/);
    expect(stdout).toMatch(
      /2 tools published, 1 not published\. In all \d+ bytes, about \d+ tokens\.\n1 tool is not usable yet, of 1 provider without credentials in Dify: Post 1\.\nAlso listed, because tools\.handOff is on: get_call_result and cancel_call\.\n$/,
    );
    expect(stderr).toBe('warning: Dify could not list mcp tools.\n');
    expect(events).toEqual(['create', 'start', 'close 0']);
  });

  it('has a stable shape as JSON', async () => {
    const { json, stderr } = await cli(['tools', 'list', '-o', 'json']);
    expect(stderr).toBe('');
    const dify = { providerType: 'builtin', providerId: 'acme/post/post', tool: 'send' };
    expect(json()).toMatchObject({
      tools: [
        {
          name: SEND,
          title: 'Title of send',
          dify,
          authorized: false,
          cost: { bytes: expect.any(Number) as number, tokens: expect.any(Number) as number },
        },
        { name: NOW, authorized: true },
      ],
      withheld: [{ name: STUCK, reason: 'incomplete', detail: expect.stringContaining('team') }],
      notes: [],
      problems: [{ providerType: 'mcp', message: 'Dify could not list mcp tools.' }],
      stale: [],
      view: 'default',
      total: { tools: 2 },
      shown: { mode: 'list', tools: 2 },
      warnings: [],
    });
  });

  it('fails with exit code 1 when there is no catalogue, and still closes the bridge', async () => {
    const run = await cli(['tools', 'list', '-o', 'json'], { app: { loadError: nothingLoaded } });
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.jsonError().error).toEqual({
      code: 'catalog_unavailable',
      message: 'The tools could not be loaded.',
    });
    expect(run.events).toEqual(['create', 'start', 'close 0']);
  });

  it('fails with exit code 4 when Dify refuses the key', async () => {
    const cause = new BridgeError('upstream_unauthorized', 'No.');
    const loadError = new BridgeError('catalog_unavailable', 'The tools could not be loaded. No.', { cause });
    expect((await cli(['tools', 'list'], { app: { loadError } })).code).toBe(4);
  });

  it('ends with 130 when it is interrupted while it waits', async () => {
    const { code, stderr, events } = await cli(['tools', 'list'], {
      app: { loadError: new BridgeError('cancelled', 'The request ended.') },
      onStart: (send) => send('SIGINT'),
    });
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(events).toContain('close 0');
  });

  it('uses the sandbox when asked to', async () => {
    const { configs } = await cli(['tools', 'list', '--sandbox'], { env: { HOME: ENV.HOME } });
    expect(configs[0]?.sandbox).toBe('demo');
  });
});

describe('tools show and explain', () => {
  it('print a tool as a client sees it', async () => {
    const { stdout } = await cli(['tools', 'show', NOW]);
    expect(stdout).toContain('In Dify: builtin acme/weather/weather now');
    expect(stdout).toContain('"city"');
    const { json } = await cli(['tools', 'show', NOW, '-o', 'json']);
    expect(json()).toMatchObject({ name: NOW, title: 'Title of now', inputSchema: { required: ['city'] } });
  });

  it('say why a tool is published or withheld', async () => {
    expect((await cli(['tools', 'explain', NOW])).stdout).toContain(`${NOW} is published.`);
    const { json } = await cli(['tools', 'explain', STUCK, '-o', 'json']);
    expect(json()).toMatchObject({ name: STUCK, published: false });
  });

  it('name similar tools, and the reason of a withheld one', async () => {
    const unknown = await cli(['tools', 'show', 'acme_wether__now']);
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain(`Similar names: ${NOW}`);
    expect(unknown.stderr).toContain('warning: Dify could not list mcp tools.');
    expect((await cli(['tools', 'explain', 'get_call_result'])).stdout).toBe(
      'get_call_result is a tool of the bridge itself, for calls that take long: tools.handOff is on.\n',
    );
    expect((await cli(['tools', 'explain', 'acme_wether__now'])).code).toBe(2);
    const account = {
      HOME: ENV.HOME,
      DIFY_URL: 'http://dify.test',
      DIFY_EMAIL: 'a@dify.test',
      DIFY_PASSWORD: 'fake',
    };
    const { stdout } = await cli(['tools', 'explain', NOW], { env: account });
    expect(stdout).toContain('Called by the account road, as a@dify.test.');
    expect(stdout).toContain('Its preset chooses no credential');
    const withheld = await cli(['tools', 'show', STUCK, '-o', 'json']);
    expect(withheld.code).toBe(2);
    expect(withheld.jsonError().error).toMatchObject({
      code: 'tool_not_found',
      message: `${STUCK} is not published (incomplete).`,
    });
  });
});

describe('call', () => {
  it('prints the text of the result alone on standard output', async () => {
    const { code, stdout, stderr, calls } = await cli(['call', NOW, '--args', '{"city":"Oslo"}']);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'sunny\n', stderr: '' });
    expect(calls).toEqual([{ name: NOW, args: { city: 'Oslo' } }]);
  });

  it('takes arguments from a file, from standard input, or none', async () => {
    const path = join(folder(), 'args.json');
    writeFileSync(path, '{"city":"Rome"}');
    expect((await cli(['call', NOW, '--args', `@${path}`])).calls[0]?.args).toEqual({ city: 'Rome' });
    const piped = await cli(['call', NOW, '--args', '-'], { stdin: '{"city":"Bern"}' });
    expect(piped.calls[0]?.args).toEqual({ city: 'Bern' });
    expect((await cli(['call', SEND])).calls[0]?.args).toEqual({});
  });

  it.each([
    ['{city}', /The value of --args is not JSON/],
    ['[1]', /must be a JSON object/],
    ['@/nowhere/args.json', /\/nowhere\/args\.json of --args cannot be read \(ENOENT\)/],
    ['-', /Standard input is not JSON/],
  ])('refuses --args %s before anything is started', async (args, expected) => {
    const { code, stdout, stderr, events } = await cli(['call', NOW, '--args', args]);
    expect({ code, stdout, events }).toEqual({ code: 2, stdout: '', events: [] });
    expect(stderr).toMatch(expected);
  });

  it('refuses arguments that do not fit, without a call', async () => {
    const run = await cli(['call', NOW, '--args', '{"town":"Oslo"}', '-o', 'json']);
    expect(run).toMatchObject({ code: 2, stdout: '', calls: [] });
    expect(run.jsonError().error).toMatchObject({
      code: 'invalid_arguments',
      problems: expect.arrayContaining([{ path: '/city', message: expect.any(String) }]),
    });
  });

  it('says so if the name is in the place of the sandbox', async () => {
    const { code, stderr, events } = await cli(['call', '--sandbox', NOW]);
    expect({ code, events }).toEqual({ code: 2, events: [] });
    expect(stderr).toMatch(/--sandbox .*acme_weather__now.* Allowed choices are demo, files/);
  });

  it('fails with exit code 2 for an unknown name', async () => {
    const run = await cli(['call', 'nothing']);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    // It may be among the tools that Dify could not list.
    expect(run.stderr).toMatch(/^warning: Dify could not list mcp tools\.\nerror: /);
  });

  const failed: ToolResult = { content: [{ type: 'text', text: 'It rains.' }], isError: true };

  it('prints what a failed tool said on standard error and exits with 1', async () => {
    const run = await cli(['call', NOW, '--args', '{"city":"Oslo"}'], { app: { result: failed } });
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: 'error: It rains.\n' });
    const json = await cli(['call', NOW, '--args', '{"city":"Oslo"}', '-o', 'json'], {
      app: { result: failed },
    });
    expect(json.code).toBe(1);
    expect(json.stdout).toBe('');
    expect(json.jsonError().error).toMatchObject({ code: 'tool_failed', content: failed.content });
  });

  it.each([
    ['provider_unauthorized', 4],
    ['upstream_unauthorized', 4],
    ['upstream_wrong_address', 2],
    ['deadline_exceeded', 1],
  ] as const)('exits with the code of %s', async (code, exit) => {
    const during = (observer: CallObserver | undefined): void =>
      observer?.failed?.(new BridgeError(code, 'It rains.'));
    const run = await cli(['call', SEND, '-o', 'json'], { app: { result: failed, during } });
    expect(run.code).toBe(exit);
    expect(run.jsonError().error).toMatchObject({ code });
  });

  it('shows progress on a terminal only', async () => {
    const during = (observer: { progress?(text: string): void } | undefined): void => {
      observer?.progress?.('Received 3 messages\u001b[31m');
    };
    const argv = ['call', NOW, '--args', '{"city":"Oslo"}'];
    const shown = await cli(argv, { app: { during }, terminal: true });
    expect(shown.stderr).toContain('Received 3 messages');
    expect(shown.stderr).not.toContain('\u001b[31m');
    expect(shown.stderr.endsWith('\r\u001b[2K')).toBe(true);
    expect(shown.stdout).toBe('sunny\n');
    expect((await cli(argv, { app: { during } })).stderr).toBe('');
    expect((await cli([...argv, '-o', 'json'], { app: { during }, terminal: true })).stderr).toBe('');
  });

  it('aborts the call at the first signal, exits at once at the second', async () => {
    let interrupt = (): void => undefined;
    const { code, exits, stdout } = await cli(['call', SEND], {
      app: {
        during: async (_observer, signal) => {
          interrupt();
          expect(signal.aborted).toBe(true);
          interrupt();
        },
      },
      onStart: (send) => {
        interrupt = () => send('SIGINT');
      },
    });
    expect({ code, exits, stdout }).toEqual({ code: 130, exits: [130], stdout: '' });
  });

  const files: ToolResult = {
    content: [
      { type: 'text', text: 'Two files.' },
      { type: 'image', data: Buffer.from('png').toString('base64'), mimeType: 'image/png' },
      {
        type: 'resource',
        resource: { uri: 'dify://files/..%2F..%2Fevil.txt', mimeType: 'text/plain', text: 'hello' },
      },
    ],
  };

  it('saves files in the folder, never over existing ones', async () => {
    const out = join(folder(), 'new', 'folder');
    const first = await cli(['call', SEND, '--out', out], { app: { result: files } });
    expect(first).toMatchObject({ code: 0, stdout: 'Two files.\n' });
    expect(first.stderr).toMatch(/Saved .*acme_post__send\.png \(image\/png, 3 bytes\)\n/);
    const second = await cli(['call', SEND, '--out', out, '-o', 'json'], { app: { result: files } });
    expect(second.json()).toMatchObject({
      content: files.content,
      saved: [
        { path: join(out, `${SEND}-2.png`), mimeType: 'image/png', bytes: 3 },
        { path: join(out, 'evil-2.txt'), mimeType: 'text/plain', bytes: 5 },
      ],
    });
    expect(readdirSync(out).sort()).toEqual(
      [`${SEND}-2.png`, `${SEND}.png`, 'evil-2.txt', 'evil.txt'].sort(),
    );
    expect(readFileSync(join(out, 'evil.txt'), 'utf8')).toBe('hello');
  });

  it('says how to save files when it was not told where', async () => {
    const { stderr } = await cli(['call', SEND], { app: { result: files } });
    expect(stderr).toBe('Add --out DIR to save the files of the result.\n');
  });

  it('fails with exit code 2 when the folder cannot be made', async () => {
    const taken = join(folder(), 'taken');
    writeFileSync(taken, '');
    const { code, stderr } = await cli(['call', SEND, '--out', taken], { app: { result: files } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot be written \(EEXIST\)/);
  });
});

describe('serve', () => {
  it('serves standard input and output until the client goes', async () => {
    const { code, stdout, stderr, events } = await cli(['serve', '--log-level', 'silent'], {
      app: { serve: () => Promise.resolve() },
    });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(events).toEqual(['create', 'start', 'stdio', 'close 10000']);
  });

  it.each([
    [['--sandbox'], '--sandbox'],
    [['--sandbox', 'files'], '--sandbox files'],
  ])('says on a terminal what it waits for, and how a client is set up: %j', async (argv, words) => {
    const { stdout, stderr } = await cli(['serve', ...argv], {
      app: { serve: () => Promise.resolve() },
      terminal: true,
    });
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^Waiting for an MCP client on standard input/);
    expect(stderr).toContain(`\n  npx dify-mcp-bridge install claude-desktop ${words}\n`);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('closes gracefully at %s', async (signal) => {
    const { code, events, exits } = await cli(['serve'], {
      onStart: (send) => setImmediate(() => send(signal)),
    });
    expect({ code, exits }).toEqual({ code: 0, exits: [] });
    expect(events.at(-1)).toBe('close 10000');
  });

  it('does not begin to serve when the signal came before', async () => {
    const { code, events } = await cli(['serve'], { onStart: (send) => send('SIGTERM') });
    expect(code).toBe(0);
    expect(events).toEqual(['create', 'start', 'close 10000']);
  });

  it('exits with the code of its failure if the last output is not read', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const stdout = { writableLength: 1, write: () => false };
    const { code, exits } = await cli(['serve'], {
      app: { serve: () => Promise.reject(new Error('It broke.')) },
      io: { stdout },
    });
    await vi.runAllTimersAsync();
    // Without a code of its own, the exit has the one of the command.
    expect({ code, exits }).toEqual({ code: 1, exits: [undefined] });
  });

  it('exits at once with 130 at the second signal', async () => {
    const { exits } = await cli(['serve'], {
      onStart: (send) => {
        send('SIGINT');
        send('SIGINT');
      },
    });
    expect(exits).toEqual([130]);
  });

  it('reads the configuration again at SIGHUP', async () => {
    const file = join(folder(), 'config.yaml');
    writeFileSync(file, 'tools: { names: bare }');
    const reloaded: (Config | undefined)[] = [];
    let reload: (() => Promise<Config>) | undefined;
    const { code, events, stderr } = await cli(['serve', '--config', file], {
      app: {},
      onCreate: (options) => (reload = options.reload),
      onStart(send) {
        const script = async (): Promise<void> => {
          send('SIGHUP');
          writeFileSync(file, 'tools: { names: qualified }');
          reloaded.push(await reload?.());
          writeFileSync(file, 'tools: { names: both }');
          reloaded.push(await reload?.().catch(() => undefined));
          send('SIGTERM');
        };
        setImmediate(() => void script());
      },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(events).toContain('reload');
    expect(reloaded.map((config) => config?.tools.names)).toEqual(['qualified', undefined]);
  });

  it('serves the view that is named, and knows which there are before anything is started', async () => {
    const file = join(folder(), 'config.yaml');
    writeFileSync(file, 'views: { support: {} }');
    const serve = () => Promise.resolve();
    const named = await cli(['serve', '--config', file, '--view', 'support'], { app: { serve } });
    expect(named.events).toEqual(['create', 'start', 'stdio support', 'close 10000']);
    const unknown = await cli(['serve', '--config', file, '--view', 'suport', '-o', 'json']);
    expect(unknown).toMatchObject({ code: 2, events: [] });
    expect(unknown.jsonError().error).toMatchObject({
      code: 'usage',
      hint: 'The views are default, support.',
    });
    const elsewhere = await cli(['serve', '--config', file, '--http', '--workspace', 'sales']);
    expect(elsewhere).toMatchObject({ code: 2, stderr: expect.stringContaining('/w/sales/mcp') });
    const overHttp = await cli(['serve', '--config', file, '--http', '--view', 'support']);
    expect(overHttp).toMatchObject({ code: 2, events: [] });
    expect(overHttp.stderr).toContain('/mcp/support');
  });

  it('tells the addresses of the other views', async () => {
    const app = { serve: () => Promise.resolve(), views: ['support', 'sales'] };
    const { stderr } = await cli(['serve', '--http'], { app, terminal: true });
    expect(stderr).toContain('http://127.0.0.1:8080/mcp/support, http://127.0.0.1:8080/mcp/sales');
  });

  it('takes the manifest from its flags', async () => {
    const app = { serve: () => Promise.resolve() };
    const { configs } = await cli(['serve', '--manifest', 'approved', '--frozen'], { app });
    expect(configs[0]?.manifest).toEqual({ dir: 'approved', frozen: true });
    const alone = await cli(['serve', '--frozen'], { app });
    expect(alone).toMatchObject({ code: 2, events: [] });
    expect(alone.stderr).toContain('--manifest');
  });

  it('serves HTTP with flags before all else, and tells the address', async () => {
    const env = { ...ENV, DIFY_BRIDGE_PORT: '9999' };
    const argv = ['serve', '--http', '--host', '127.0.0.2', '--port', '0'];
    const serve = () => Promise.resolve();
    const text = await cli(argv, { env, app: { serve }, terminal: true });
    expect(text.configs[0]?.http).toMatchObject({ host: '127.0.0.2', port: 0 });
    expect(text).toMatchObject({ code: 0, stdout: '' });
    expect(text.stderr).toContain('Serving MCP at http://127.0.0.1:8080/mcp');
    expect(text.events).toEqual(['create', 'start', 'http', 'close 10000']);
    const json = await cli([...argv, '-o', 'json'], { env, app: { serve } });
    expect(json.json()).toEqual({ url: 'http://127.0.0.1:8080/mcp' });
  });

  it('closes the bridge when serving fails', async () => {
    const { code, events } = await cli(['serve', '--log-level', 'silent'], {
      app: { serve: () => Promise.reject(new BridgeError('port_unavailable', 'Taken.')) },
    });
    expect(code).toBe(2);
    expect(events.at(-1)).toBe('close 10000');
  });
});

describe('config', () => {
  it('check says that all is well, and prints warnings', async () => {
    expect(await cli(['config', 'check'])).toMatchObject({
      code: 0,
      stdout:
        'not listed: Dify could not list mcp tools.\nThe configuration is valid: no warnings.\n' +
        'Rules and presets fit the 3 tools that Dify lists. Some tools could not be listed: see above.\n',
      events: ['create', 'start', 'close 0'],
    });
    const warned = await cli(['config', 'check'], { env: { ...ENV, DIFY_SECRET_KEY: '${user_config.key}' } });
    expect(warned.code).toBe(0);
    expect(warned.stdout).toMatch(/warning: env DIFY_SECRET_KEY: still an unreplaced \$\{…\} placeholder/);
    // Only Dify can tell whether it needs the key.
    expect(warned.stdout).not.toContain('dify.secretKey');
    expect(warned.stdout).toContain('1 warning.');
  });

  it('check fails with exit code 2 on anything wrong', async () => {
    expect(await cli(['config', 'check'], { env: { HOME: ENV.HOME } })).toMatchObject({
      code: 2,
      stdout: '',
    });
  });

  it('show prints sources and masks every secret', async () => {
    const env = {
      ...ENV,
      DIFY_EMAIL: 'bridge@dify.test',
      DIFY_PASSWORD: 'fake-password',
      DIFY_BRIDGE_TOKEN: 'fake-token',
    };
    for (const argv of [
      ['config', 'show'],
      ['config', 'show', '-o', 'json'],
    ]) {
      const { code, stdout } = await cli([...argv, '--log-level', 'warn'], { env });
      expect(code).toBe(0);
      expect(stdout).not.toMatch(/fake-(inner|admin|secret|password|token)/);
      expect(stdout).toContain('flag --log-level');
    }
    const { json } = await cli(['config', 'show', '-o', 'json'], { env });
    const { settings } = json() as { settings: readonly Record<string, unknown>[] };
    expect(settings).toContainEqual({
      path: 'dify.password',
      value: '********',
      source: 'env DIFY_PASSWORD',
      env: 'DIFY_PASSWORD',
      secret: true,
    });
    expect(settings).toContainEqual({
      path: 'calls.timeout',
      value: '21m',
      source: 'default',
      env: 'DIFY_BRIDGE_CALLS_TIMEOUT',
      secret: false,
    });
  });

  it('show names the kind of each source on a narrow terminal too, and the line in the file', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'bridge-show-')), 'config.yaml');
    writeFileSync(file, `log:\n  level: warn\ntools:\n  deny: ["${'x'.repeat(60)}", "y"]\n`);
    const { stdout } = await cli(['config', 'show', '--config', file], { terminal: true, columns: 80 });
    expect(stdout).toMatch(/^dify\.innerApiKey +env +\*{8}$/m);
    expect(stdout).toMatch(/^log\.level +file:2 +warn$/m);
    expect(stdout).toMatch(/^tools\.deny +file:4/m);
    expect(stdout).toMatch(/^calls\.timeout +default +21m$/m);
  });

  it('show works without a connection to Dify', async () => {
    expect((await cli(['config', 'show'], { env: { HOME: ENV.HOME } })).code).toBe(0);
  });

  it('schema prints the JSON Schema of the file', async () => {
    const { json } = await cli(['config', 'schema'], { env: {} });
    expect(json()).toMatchObject({ type: 'object', properties: { dify: {}, http: {} } });
  });
});
