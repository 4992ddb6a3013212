import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../support/cli-here.ts';
import type { CliRun } from '../support/fake-cli.ts';
import { GATE, type GatedSandbox, startGatedSandbox } from '../support/gated-sandbox.ts';
import { decodePng } from '../support/png.ts';
import { run, start, type StartOptions } from '../support/program.ts';

interface Case {
  readonly args: readonly string[];
  readonly code: number;
  /** What standard output has to match as text; nothing may be on it when left out. */
  readonly out?: RegExp;
  /** The same for standard error. */
  readonly err?: RegExp;
  /** What standard output has to contain as JSON with `-o json`. */
  readonly json?: object;
  /** The error as JSON on standard error with `-o json`. */
  readonly error?: object;
  /** Runs as a process when it prints text: each exit code and stream has such a case. */
  readonly isProcess?: true;
}

const SANDBOX: readonly Case[] = [
  {
    args: ['version'],
    isProcess: true,
    code: 0,
    out: /^dify-mcp-bridge \d+\.\d+\.\d+ \(Node\.js \d+\.\d+\.\d+\)\n$/,
    json: { name: 'dify-mcp-bridge', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) },
  },
  {
    args: ['tools', 'list', '--sandbox'],
    isProcess: true,
    code: 0,
    out: /^NAME +BYTES +~TOKENS +TITLE +IN DIFY\n[^]*16 tools published, 1 not published\. In all [^]* tokens\.\n1 tool is not usable yet[^\n]*\nAlso listed, [^\n]*get_call_result and cancel_call\.\n$/,
    json: { notes: [], problems: [], withheld: [{ name: 'paperkite_mishaps__need_setting' }] },
  },
  {
    args: ['tools', 'show', 'time__weekday', '--sandbox'],
    code: 0,
    out: /^time__weekday {2}Weekday\nIn Dify: builtin time weekday\n[^]*"required"/,
    json: { name: 'time__weekday', inputSchema: { type: 'object' }, authorized: true },
  },
  {
    args: ['tools', 'show', 'time__weekdays', '--sandbox'],
    code: 2,
    err: /^error: There is no tool named "time__weekdays"\.\nSimilar names: time__weekday/,
    error: { code: 'tool_not_found' },
  },
  {
    args: ['tools', 'explain', 'paperkite_mishaps__need_setting', '--sandbox'],
    code: 0,
    out: /^paperkite_mishaps__need_setting is withheld[^]*presets:/,
    json: { name: 'paperkite_mishaps__need_setting', published: false },
  },
  {
    args: ['tools', 'explain', 'time__weekday', '--sandbox'],
    code: 0,
    out: /builtin/,
    json: { name: 'time__weekday', published: true },
  },
  {
    args: ['call', 'time__weekday', '--args', '{"year":2026,"month":11,"day":22}', '--sandbox'],
    isProcess: true,
    code: 0,
    out: /^November 22, 2026 is Sunday\.\n$/,
    json: { content: [{ type: 'text', text: 'November 22, 2026 is Sunday.' }] },
  },
  {
    args: ['call', 'paperkite_mishaps__break_midway', '--sandbox'],
    isProcess: true,
    code: 1,
    err: /^error: [^]*missing on purpose/,
    error: {
      code: 'tool_failed',
      content: [{}, {}, { type: 'text', text: 'The first half of the text.' }],
      saved: [],
    },
  },
  {
    args: ['call', 'paperkite_postbox__send_letter', '--args', '{"to":"A","body":"B"}', '--sandbox'],
    isProcess: true,
    code: 4,
    err: /^error: Postbox has no credentials[^]*authorize Postbox in Dify/,
    error: { code: 'provider_unauthorized' },
  },
  {
    args: ['call', 'time__weekday', '--args', '{"year":"soon"}', '--sandbox'],
    code: 2,
    err: /^error: The arguments do not fit time__weekday\.\n- \/year: [^]*- \/month: [^]*- \/day: /,
    error: { code: 'invalid_arguments', problems: [{ path: '/year' }, { path: '/month' }, { path: '/day' }] },
  },
  {
    args: ['call', 'time__weekday', '--args', '{year', '--sandbox'],
    isProcess: true,
    code: 2,
    err: /^error: The value of --args is not JSON/,
    error: { code: 'usage' },
  },
  {
    args: ['call', 'nothing_like_it', '--sandbox'],
    code: 2,
    err: /^error: [^]*"nothing_like_it"\.\n[^]*See node dist\/main.js tools list\.\n$/,
    error: { code: 'tool_not_found' },
  },
  {
    args: ['doctor', '--sandbox'],
    isProcess: true,
    code: 0,
    out: /^pass {2}configuration: [^]*pass {2}inner key: [^]*pass {2}file signing: [^]*The bridge can work/,
    json: {
      ok: true,
      checks: [
        { name: 'configuration' },
        { name: 'file store' },
        {},
        {},
        {},
        {},
        {},
        {},
        { name: 'clock' },
        { name: 'port' },
      ],
    },
  },
  {
    args: ['config', 'check', '--sandbox'],
    code: 0,
    out: /^The configuration is valid: no warnings\.\nRules and presets fit the 17 tools that Dify lists\.\n$/,
    json: { ok: true, file: null, warnings: [] },
  },
  {
    args: ['config', 'check'],
    isProcess: true,
    code: 2,
    err: /^error: [^]*\nRun node dist\/main.js login [^]*--sandbox/,
    error: { code: 'config_invalid' },
  },
  {
    args: ['config', 'show'],
    code: 0,
    out: /^SETTING +SOURCE +VALUE\n[^]*http\.port +default +8080\n/,
    json: { file: null, settings: expect.arrayContaining([expect.objectContaining({ path: 'http.port' })]) },
  },
  {
    args: ['config', 'schema'],
    code: 0,
    out: /^\{\n/,
    json: { type: 'object', properties: { dify: {}, http: {}, log: {} } },
  },
  {
    args: ['manifest', 'schema'],
    code: 0,
    out: /^\{\n/,
    json: { type: 'object', properties: { manifest: {}, provider: {}, tools: {} } },
  },
  {
    args: ['manifest', 'diff', '--dir', 'no-such-folder', '--sandbox'],
    code: 2,
    err: /^error: [^]*no-such-folder/,
    error: { code: 'config_invalid' },
  },
  {
    args: ['help', 'exit-codes'],
    code: 0,
    out: /^Example:[^]*130 {2}interrupted/,
    json: expect.arrayContaining([expect.objectContaining({ code: 130 })]) as object,
  },
  { args: ['tools', 'lst', '--sandbox'], code: 2, err: /^error: .*lst/, error: { code: 'usage' } },
  { args: ['serve', '--prot', '1'], code: 2, err: /--port[^]*--prot/, error: { code: 'usage' } },
  { args: ['serve', '--port', 'many', '--http', '--sandbox'], code: 2, err: /port/, error: {} },
  {
    args: ['call', '--sandbox'],
    code: 2,
    err: /^error: missing required argument/,
    error: { code: 'usage' },
  },
];

/** The cases with their command line as the title. */
const CASES = SANDBOX.map((entry): [string, Case] => [entry.args.join(' '), entry]);

/** JSON that was printed; null when nothing was. */
const printed = (text: string): unknown => (text === '' ? null : JSON.parse(text));

describe('the command line, as text', () => {
  it.each(CASES)('%s', async (_title, { args, code, out, err, isProcess }) => {
    const ended = isProcess ? await run(args) : await runHere(args);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code, stderr: expect.any(String) });
    expect(ended.stdout).toMatch(out ?? /^$/);
    expect(ended.stderr).toMatch(err ?? /^$/);
    // Neither stream is a terminal.
    expect(ended.stdout + ended.stderr).not.toContain('\u001b');
  });
});

describe('the command line, as JSON', () => {
  it.each(CASES)('%s -o json', async (_title, { args, code, json, error }) => {
    const ended = await runHere([...args, '-o', 'json']);
    expect(ended.code).toBe(code);
    expect({ out: printed(ended.stdout), err: printed(ended.stderr) }).toMatchObject({
      out: json ?? null,
      err: error === undefined ? null : { error },
    });
  });

  it('has a case for every command that prints something', async () => {
    const { stdout } = await run(['--help']);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+)(?: \[| <| {2})/gm)].map(([, name]) => name);
    const tried = SANDBOX.map(({ args }) => args[0]);
    // These have files of tests of their own.
    const elsewhere = ['demo', 'init', 'install', 'login', 'logout', 'reload', 'whoami', 'keys', 'help'];
    expect([...tried, ...elsewhere]).toEqual(expect.arrayContaining(commands));
    expect(commands.length).toBeGreaterThan(6);
    expect(new Set(CASES.map(([title]) => title)).size).toBe(CASES.length);
  });
});

describe('help', () => {
  it.each([['--help'], ['help', 'call'], ['config', '--help']])('%s %s is a result', async (...args) => {
    const { code, stdout, stderr } = await run(args.filter((word) => word !== undefined));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Example:\n {2}node dist\/main.js [^]*Usage: node dist\/main.js/);
  });

  it('comes on standard error when the command is missing', async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: node dist/main.js');
  });
});

describe('arguments and files of a call', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-test-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const DATE = '{"year":2026,"month":11,"day":24}';

  it('reads arguments from a file and from standard input', async () => {
    await writeFile(join(folder, 'date.json'), DATE);
    const call = ['call', 'time__weekday', '--sandbox', '--args'];
    const fromFile = await run([...call, '@date.json'], { cwd: folder });
    expect(fromFile).toMatchObject({ code: 0, stdout: 'November 24, 2026 is Tuesday.\n', stderr: '' });
    const fromStdin = await run([...call, '-'], { stdin: DATE });
    expect(fromStdin).toMatchObject({ code: 0, stdout: 'November 24, 2026 is Tuesday.\n', stderr: '' });
    const missing = await runHere([...call, '@nowhere.json'], { cwd: folder });
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toMatch(/nowhere\.json[^]*ENOENT/);
  });

  it('saves pictures and other files with their bytes, and never over what is there', async () => {
    const chart = ['call', 'paperkite_studio__draw_chart', '--args', '{"values":[3,1,2],"width":400}'];
    const first = await run([...chart, '--sandbox', '--out', 'results'], { cwd: folder });
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toContain('A bar chart of 3 values, 400 by 250 pixels.');
    expect(first.stderr).toMatch(/^Saved results\/\S+\.png \(image\/png, \d+ bytes\)\n$/);
    await runHere([...chart, '--sandbox', '--out', 'results'], { cwd: folder });
    const names = await readdir(join(folder, 'results'));
    expect(names).toHaveLength(2);
    for (const name of names) {
      expect(decodePng(await readFile(join(folder, 'results', name)))).toMatchObject({
        width: 400,
        height: 250,
      });
    }

    const document = { filename: 'poem.txt', data: Buffer.from('a\nb\nc\n').toString('base64') };
    const args = JSON.stringify({ title: 'Poem', document });
    const report = ['call', 'workflow__text_report', '--args', args, '--sandbox', '-o', 'json'];
    const ended = await runHere([...report, '--out', 'reports'], { cwd: folder });
    const { saved } = JSON.parse(ended.stdout) as { saved: { path: string; bytes: number }[] };
    const bytes = await readFile(join(folder, saved[0]?.path ?? ''));
    expect(bytes.toString()).toBe('# Poem\n\n- File: poem.txt\n- Lines: 3\n- Words: 3\n- Bytes: 6\n');
    expect(saved).toEqual([{ path: expect.any(String), mimeType: 'text/markdown', bytes: bytes.length }]);
  });

  it('takes files by their names, from the working folder and as named, and no others', async () => {
    await writeFile(join(folder, '诗 1.txt'), 'a\nb\n');
    const report = ['call', 'workflow__text_report', '--sandbox'];
    const named = await runHere([...report, '--file', 'document=诗 1.txt'], { cwd: folder });
    expect(named).toMatchObject({ code: 0, stdout: expect.stringContaining('"lines":2') });
    const elsewhere = await runHere([...report, '--file', `document=${join(folder, '诗 1.txt')}`]);
    expect(elsewhere.code).toBe(0);
    const args = JSON.stringify({ document: { path: '/etc/hostname' } });
    const outside = await runHere([...report, '--args', args], { cwd: folder });
    expect(outside).toMatchObject({ code: 2, stdout: '' });
    expect(outside.stderr).toContain(
      'There is no file /etc/hostname in the folders that the operator allowed.',
    );
    const wrong = await runHere([...report, '--file', 'poem.txt'], { cwd: folder });
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--file expects PARAMETER=PATH'),
    });
  });

  it('reads a configuration file and finds its faults', async () => {
    await writeFile(join(folder, 'good.yaml'), 'tools:\n  names: bare\n');
    const good = await runHere(['tools', 'list', '--sandbox', '--config', 'good.yaml'], { cwd: folder });
    expect(good.stdout).toMatch(/^weekday /m);
    await writeFile(join(folder, 'bad.yaml'), 'tools:\n  names: short\nhttp:\n  prot: 1\n');
    const bad = await runHere(['config', 'check', '--sandbox', '--config', 'bad.yaml'], { cwd: folder });
    expect(bad).toMatchObject({ code: 2, stdout: '' });
    expect(bad.stderr).toMatch(/bad\.yaml:4 http\.prot[^]*bad\.yaml:2 tools\.names/);
  });
});

describe('against a Dify', () => {
  let dify: GatedSandbox;
  beforeAll(async () => {
    dify = await startGatedSandbox();
  });
  afterAll(() => dify[Symbol.asyncDispose]());

  it.each([
    ['SIGINT', 'text'],
    ['SIGTERM', 'json'],
  ] as const)('%s ends a call with 130, and the call in Dify (-o %s)', async (signal, format) => {
    const [arrived, abandoned] = [dify.arrived(), dify.abandoned()];
    await using calling = start(['call', GATE, '-o', format], { env: dify.env });
    await arrived;
    calling.child.kill(signal);
    expect(await calling.ended).toMatchObject({ code: 130, signal: null, stdout: '' });
    await abandoned;
  });

  it('masks secrets in what it prints', async () => {
    const { stdout } = await runHere(['config', 'show'], { env: dify.env });
    expect(stdout).toMatch(/dify\.innerApiKey +env DIFY_INNER_API_KEY +\*{8}/);
    const { innerApiKey, adminApiKey, secretKey } = dify.sandbox.credentials;
    for (const secret of [innerApiKey, adminApiKey, secretKey]) expect(stdout).not.toContain(secret);
  });

  interface Check {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly fix?: string;
  }

  /** Runs doctor with some settings changed; answers the first check that failed. */
  async function diagnose(
    changes: StartOptions['env'],
  ): Promise<{ ended: CliRun; failed: Check | undefined; statuses: readonly string[] }> {
    const ended = await runHere(['doctor', '-o', 'json'], { env: { ...dify.env, ...changes } });
    const { checks } = JSON.parse(ended.stdout) as { checks: Check[] };
    const failed = checks.find(({ status }) => status === 'fail');
    return { ended, failed, statuses: checks.map(({ status }) => status) };
  }

  it('doctor finds nothing wrong with it', async () => {
    const { ended, failed, statuses } = await diagnose({});
    expect(failed).toBeUndefined();
    expect(statuses).toHaveLength(10);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([
    ['no Dify at the address', { DIFY_API_URL: 'http://127.0.0.1:9' }, 1, 'address', /DIFY_API_URL|running/],
    ['a wrong inner key', { DIFY_INNER_API_KEY: 'wrong' }, 4, 'inner key', /PLUGIN_DIFY_INNER_API_KEY/],
    ['a wrong admin key', { DIFY_ADMIN_API_KEY: 'wrong' }, 4, 'workspace', /ADMIN_API_KEY/],
    [
      'a wrong workspace',
      { DIFY_WORKSPACE_ID: '00000000-0000-4000-8000-000000000000' },
      4,
      'inner key',
      /DIFY_WORKSPACE_ID/,
    ],
    ['a wrong secret key', { DIFY_SECRET_KEY: 'wrong' }, 4, 'file signing', /SECRET_KEY/],
    [
      'a wrong login',
      { DIFY_ADMIN_API_KEY: '', DIFY_EMAIL: 'a@b.c', DIFY_PASSWORD: 'wrong' },
      4,
      'workspace',
      /DIFY_ADMIN_API_KEY instead of a login/,
    ],
  ] as const)('doctor finds %s', async (_fault, changes, code, name, fix) => {
    const { ended, failed } = await diagnose(changes);
    expect(failed).toMatchObject({ name, fix: expect.stringMatching(fix) });
    expect(ended).toMatchObject({ code, stderr: '' });
    expect(ended.stdout).not.toContain('"wrong"');
  });

  it('doctor and the other commands find a web page at the address', async () => {
    const nginx = createServer((_request, response) => {
      response.writeHead(200, { server: 'nginx', 'content-type': 'text/html' });
      response.end('<!DOCTYPE html><html><head><title>Dify</title></head></html>');
    });
    await new Promise<void>((resolve) => nginx.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(nginx.address() as AddressInfo).port}`;
    try {
      const { ended, failed } = await diagnose({ DIFY_API_URL: url });
      expect(failed).toMatchObject({ name: 'address', fix: expect.stringContaining('5001') });
      expect(ended).toMatchObject({ code: 2, stderr: '' });
      const list = await runHere(['tools', 'list'], { env: { ...dify.env, DIFY_API_URL: url } });
      expect(list).toMatchObject({ stdout: '' });
      expect(list.stderr).toMatch(/^error: [^]*web page/);
    } finally {
      await new Promise((resolve) => nginx.close(resolve));
    }
  });
});
