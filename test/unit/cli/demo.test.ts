import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEMO_STEPS } from '../../../src/cli/demo-steps.ts';
import { connectDemoClient } from '../../../src/cli/demo-client.ts';
import { createStage, takeTour } from '../../../src/cli/demo-tour.ts';
import { createOutput } from '../../../src/cli/output.ts';
import { errorOf } from '../../support/error-of.ts';
import { cli, ENV } from '../../support/fake-cli.ts';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]).toString('base64');
const text = (value: string) => ({ content: [{ type: 'text', text: value }] });

/** A right answer to each step of the demo, by tool. */
const RIGHT: Readonly<Record<string, unknown>> = {
  time__weekday: text('November 22, 2026 is Sunday.'),
  paperkite_studio__draw_chart: {
    content: [...text('A chart.').content, { type: 'image', data: PNG, mimeType: 'image/png' }],
  },
  paperkite_studio__research: text('On kites: fine.'),
  api_Pet_store__getPet: text('{"id":1,"name":"Biscuit"}'),
  workflow__compare_texts: text('They share 3 words.'),
  workflow__text_report: {
    content: [
      ...text('A report.').content,
      {
        type: 'resource',
        resource: { uri: 'dify://files/haiku-report.md', mimeType: 'text/markdown', text: '- Lines: 3' },
      },
    ],
  },
  'mcp_library-desk__search_books': text('The Kite Maker'),
  paperkite_mishaps__break_midway: { ...text('Failed on purpose.'), isError: true },
};

interface Server {
  readonly answers?: Readonly<Record<string, unknown>>;
  readonly progress?: readonly number[];
  /** Code that runs first. */
  readonly first?: string;
}

/** Takes the tour of the demo with a fake bridge, a script with given answers. */
async function tourWith(server: Server) {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-demo-'));
  const script = join(folder, 'server.mjs');
  const { answers = RIGHT, progress = [0, 1, 2, 3], first = '' } = server;
  writeFileSync(
    script,
    `${first}
    import { createInterface } from 'node:readline';
    const answers = ${JSON.stringify(answers)};
    const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
    let answered = () => {};
    const handlers = {
      initialize: async ({ protocolVersion }) => ({
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'stand-in', version: process.argv.slice(2).join(' ') },
      }),
      'tools/list': async () => ({
        tools: Object.keys(answers).map((name) => ({ name, inputSchema: { type: 'object' } })),
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
        return answers[name];
      },
    };
    for await (const line of createInterface({ input: process.stdin })) {
      const { id, method, params } = JSON.parse(line);
      if (id === 'ping') answered();
      else if (id !== undefined) void handlers[method](params).then((result) => send({ id, result }));
    }`,
  );
  let stdout = '';
  const sink = { write: (text: string) => (stdout += text) };
  const output = createOutput(
    { stdout: sink, stderr: sink, env: {}, program: { node: 'node', script: 'main.js' } },
    { json: false, color: false },
  );
  const client = await connectDemoClient(
    { command: process.execPath, args: [script], env: {} },
    AbortSignal.any([]),
  );
  try {
    const tour = await takeTour(createStage(output), client, join(folder, 'out'));
    return { tour, stdout, folder: join(folder, 'out') };
  } finally {
    await client.close();
  }
}

const failureOf = async (server: Server): Promise<string> => (await errorOf(tourWith(server))).message;

describe('demo', () => {
  it('shows each call and saves the files', async () => {
    const { tour, stdout, folder } = await tourWith({});
    for (const { kind } of DEMO_STEPS) expect(stdout).toContain(kind);
    expect(stdout).toContain('progress 3: step 3');
    expect(stdout).toContain(
      `saved ${join(folder, 'paperkite_studio__draw_chart.png')} (image/png, 8 bytes)`,
    );
    expect(readdirSync(folder).sort()).toEqual(['haiku-report.md', 'paperkite_studio__draw_chart.png']);
    expect(tour).toMatchObject({
      tools: Object.keys(RIGHT).map((name) => ({ name })),
      calls: DEMO_STEPS.map(({ args, tool }) => ({
        tool,
        arguments: args,
        isError: tool === 'paperkite_mishaps__break_midway',
        progress: 4,
      })),
    });
  });

  it.each(Object.keys(RIGHT))('fails when the answer of %s is a surprise', async (tool) => {
    for (const wrong of [text('Something else.'), { ...text('No.'), isError: true }]) {
      const message = await failureOf({ answers: { ...RIGHT, [tool]: wrong } });
      expect(message).toContain(`The demo failed: ${tool}: `);
    }
  });

  it('fails when a tool is missing', async () => {
    const { time__weekday: _, ...answers } = RIGHT;
    expect(await failureOf({ answers })).toContain('there is no tool time__weekday');
  });

  it.each([
    [[], 'no progress notification came'],
    [[0, 2, 2, 3], 'the progress did not rise'],
  ])('fails when the progress is %j', async (progress, expected) => {
    expect(await failureOf({ progress })).toContain(expected);
  });

  it('fails when the bridge logs a warning, but not over a notice of Node', async () => {
    const line = '{"level":"warn","msg":"Doubtful"}';
    const first = `process.stderr.write(${JSON.stringify(`${line}\n`)});`;
    expect(await failureOf({ first })).toContain(`the bridge logged: ${line}`);
    await tourWith({ first: `process.stderr.write('(node:1) ExperimentalWarning\\n');` });
  });

  it('fails with what the bridge wrote when it does not start, and leaves nothing behind', async () => {
    const script = join(mkdtempSync(join(tmpdir(), 'bridge-demo-')), 'server.mjs');
    writeFileSync(script, `process.stderr.write('no such thing\\n'); process.exit(3);`);
    const homes = () => readdirSync(tmpdir()).filter((name) => name.startsWith('dify-mcp-bridge-home-'));
    const before = homes();
    const { code, stdout, stderr } = await cli(['demo', '--out', join(script, '../out')], {
      env: { HOME: ENV.HOME },
      io: { program: { node: process.execPath, script } },
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/Signed in as sandbox@example\.com \(owner\)/);
    expect(stderr).toContain('The server of the demo did not start. It wrote: no such thing');
    expect(homes()).toEqual(before);
  });
});
