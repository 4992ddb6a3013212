import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEMO_STEPS } from '../../../src/cli/demo-steps.ts';
import { type CliRun, cli, ENV } from '../../support/fake-cli.ts';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]).toString('base64');
const text = (value: string) => ({ content: [{ type: 'text', text: value }] });

/** A right answer to each step of the demo, by title. */
const RIGHT: Readonly<Record<string, unknown>> = {
  Weekday: text('November 22, 2026 is Sunday.'),
  'Draw a bar chart': {
    content: [...text('A chart.').content, { type: 'image', data: PNG, mimeType: 'image/png' }],
  },
  'Research a topic': text('On kites: fine.'),
  getPet: text('{"id":1,"name":"Biscuit"}'),
  'Compare texts': text('They share 3 words.'),
  'Text report': {
    content: [
      ...text('A report.').content,
      {
        type: 'resource',
        resource: { uri: 'dify://files/haiku-report.md', mimeType: 'text/markdown', text: '- Lines: 3' },
      },
    ],
  },
  search_books: text('The Kite Maker'),
  'Break midway': { ...text('Failed on purpose.'), isError: true },
};

interface Server {
  readonly answers?: Readonly<Record<string, unknown>>;
  readonly progress?: readonly number[];
  /** Code that runs first. */
  readonly first?: string;
}

/** Runs the demo against a fake bridge, a script with given answers. */
async function demoWith(server: Server, argv: readonly string[] = []): Promise<CliRun & { folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-demo-'));
  const script = join(folder, 'server.mjs');
  const { answers = RIGHT, progress = [0, 1, 2, 3], first = '' } = server;
  writeFileSync(
    script,
    `${first}
    import { createInterface } from 'node:readline';
    const answers = ${JSON.stringify(answers)};
    const titles = Object.keys(answers);
    const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
    let answered = () => {};
    const handlers = {
      initialize: async ({ protocolVersion }) => ({
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'stand-in', version: process.argv.slice(2).join(' ') },
      }),
      'tools/list': async () => ({
        tools: titles.map((title, index) => ({ name: 'tool_' + index, title, inputSchema: { type: 'object' } })),
      }),
      'tools/call': async ({ name, _meta }) => {
        for (const progress of ${JSON.stringify(progress)}) {
          const params = { progressToken: _meta.progressToken, progress, message: 'step ' + progress };
          send({ method: 'notifications/progress', params });
        }
        // A client drops its progress listener with the result, even in the same chunk of bytes.
        await new Promise((done) => {
          answered = done;
          send({ id: 'ping', method: 'ping' });
        });
        return answers[titles[Number(name.slice(5))]];
      },
    };
    for await (const line of createInterface({ input: process.stdin })) {
      const { id, method, params } = JSON.parse(line);
      if (id === 'ping') answered();
      else if (id !== undefined) void handlers[method](params).then((result) => send({ id, result }));
    }`,
  );
  const out = join(folder, 'out');
  const run = await cli(['demo', '--out', out, ...argv], {
    env: { HOME: ENV.HOME },
    io: { program: { node: process.execPath, script } },
  });
  return { ...run, folder: out };
}

describe('demo', () => {
  it('shows each call, saves the files and ends with lines for the configuration of a client', async () => {
    const { code, stdout, stderr, folder } = await demoWith({});
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Connected to stand-in serve --sandbox');
    for (const { kind } of DEMO_STEPS) expect(stdout).toContain(kind);
    expect(stdout).toContain('progress 3: step 3');
    expect(stdout).toContain(`saved ${join(folder, 'tool_1.png')} (image/png, 8 bytes)`);
    expect(readdirSync(folder).sort()).toEqual(['haiku-report.md', 'tool_1.png']);
    const config = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{\n'))) as unknown;
    expect(config).toEqual({
      mcpServers: {
        dify: {
          command: process.execPath,
          args: [expect.stringMatching(/^\/.*server\.mjs$/), 'serve', '--sandbox'],
        },
      },
    });
  });

  it('has a stable shape as JSON', async () => {
    const { code, json } = await demoWith({}, ['-o', 'json']);
    expect(code).toBe(0);
    expect(json()).toMatchObject({
      ok: true,
      tools: Object.keys(RIGHT).map((title, index) => ({ name: `tool_${index}`, title })),
      calls: DEMO_STEPS.map(({ args, title }) => ({
        arguments: args,
        isError: title === 'Break midway',
        progress: 4,
      })),
      config: { mcpServers: { dify: {} } },
    });
  });

  it.each(Object.keys(RIGHT))('fails when the answer of "%s" is a surprise', async (title) => {
    for (const wrong of [text('Something else.'), { ...text('No.'), isError: true }]) {
      const { code, stderr } = await demoWith({ answers: { ...RIGHT, [title]: wrong } });
      expect(code).toBe(1);
      expect(stderr).toContain('The demo failed: tool_');
    }
  });

  it('fails when a tool is missing', async () => {
    const { Weekday: _, ...answers } = RIGHT;
    const { code, stderr } = await demoWith({ answers });
    expect(code).toBe(1);
    expect(stderr).toContain('no tool has the title Weekday');
  });

  it.each([
    [[], 'only 0 progress notifications came'],
    [[0, 2, 2, 3], 'the progress did not rise'],
  ])('fails when the progress is %j', async (progress, expected) => {
    const { code, stderr } = await demoWith({ progress });
    expect(code).toBe(1);
    expect(stderr).toContain(expected);
  });

  it('fails when the bridge logs a warning, but not over a notice of Node', async () => {
    const line = '{"level":"warn","msg":"Doubtful"}';
    const warned = await demoWith({ first: `process.stderr.write(${JSON.stringify(`${line}\n`)});` });
    expect(warned.code).toBe(1);
    expect(warned.stderr).toContain(`the bridge logged: ${line}`);
    const noticed = await demoWith({ first: `process.stderr.write('(node:1) ExperimentalWarning\\n');` });
    expect(noticed.code).toBe(0);
  });

  it('fails with what the bridge wrote when it does not start', async () => {
    const { code, stdout, stderr } = await demoWith({
      first: `process.stderr.write('no such thing\\n'); process.exit(3);`,
    });
    expect(code).toBe(1);
    expect(stderr).toContain('The server of the demo did not start. It wrote: no such thing');
    expect(stdout).not.toContain('All ');
  });
});
