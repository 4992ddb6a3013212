import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLIENTS } from '../../clients/client.ts';
import { newFileText } from '../../clients/edit.ts';
import { cutText } from '../../model/cut-text.ts';
import { BridgeError } from '../../model/errors.ts';
import { connectDemoClient, type DemoClient, type ListedTool } from '../demo-client.ts';
import { DEMO_STEPS, type DemoStep } from '../demo-steps.ts';
import { untilInterrupted } from '../interrupt.ts';
import { table } from '../layout.ts';
import { count, type Output } from '../output.ts';
import { saveFiles, textOf } from '../saved-files.ts';
import type { CommandContext } from '../session.ts';

const INTRODUCTION =
  'This demo uses a sandbox instead of a Dify workspace. Everything else is real: an MCP client starts the bridge, as ' +
  'Claude Desktop does, and calls tools through it.';

const NEXT = [
  'To try this in Claude Desktop, paste these lines into claude_desktop_config.json (Settings, Developer, Edit ' +
    'Config) and restart it, or run dify-mcp-bridge install claude-desktop --sandbox.',
  'To use your own Dify, run dify-mcp-bridge init, which asks how to reach it and checks the answers.',
].join('\n');

type DemoCall = Awaited<ReturnType<typeof runStep>>;

/** `demo`: runs a real client against the sandbox. Throws if anything is not as expected. */
export async function run(
  { io, output }: CommandContext,
  options: { readonly out?: string },
): Promise<number> {
  const args = [realpathSync(io.program.script), 'serve', '--sandbox'];
  const folder = options.out ?? mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-demo-'));
  const print = (text: string, hang = 0): void => {
    if (!output.json) output.raw(output.prose(text, hang));
  };
  const headline = (number: number, text: string): void =>
    print(`\n${output.paint('bold', `${number}. ${text}`)}`);
  return untilInterrupted(io, async (signal) => {
    print(INTRODUCTION);
    headline(1, 'The client starts the bridge and connects over standard input and output');
    print(`   $ ${[io.program.node, ...args].join(' ')}`, 2);
    const client = await connectDemoClient(
      {
        command: io.program.node,
        args,
        // Isolates the demo: no variables of this machine get in, and no files are left behind.
        env: {
          XDG_CONFIG_HOME: folder,
          DIFY_BRIDGE_LOG_LEVEL: 'warn',
          DIFY_BRIDGE_FILES_STORE: 'memory',
        },
      },
      signal,
    );
    try {
      print(`   Connected to ${client.server}, protocol version ${client.protocolVersion}.`);

      headline(2, 'The client lists the tools (tools/list)');
      const tools = await client.listTools();
      if (!output.json)
        output.raw(
          table(
            tools.map(({ name, title }) => [`   ${name}`, title]),
            output,
          ),
        );
      print(`   ${count(tools.length, 'tool')}.`);

      const calls: DemoCall[] = [];
      for (const [index, step] of DEMO_STEPS.entries()) {
        headline(index + 3, step.kind);
        calls.push(await runStep(output, client, step, tools, folder, print));
      }
      // At this log level, the bridge logs nothing if all goes well.
      const [complaint] = client.logged();
      if (complaint !== undefined) throw surprise(`the bridge logged: ${complaint}`);
      finish(output, { command: io.program.node, args }, { tools, calls });
      return 0;
    } finally {
      await client.close();
    }
  });
}

async function runStep(
  output: Output,
  client: DemoClient,
  step: DemoStep,
  tools: readonly ListedTool[],
  folder: string,
  print: (text: string, hang?: number) => void,
) {
  const tool = tools.find(({ title }) => title === step.title);
  if (tool === undefined) throw surprise(`no tool has the title ${step.title}`);
  // JSON without spaces cannot be wrapped.
  const space = Math.max(20, Math.min(120, (output.width ?? 200) - 6));
  print(`   ${output.paint('cyan', '->')} ${tool.name} ${cutText(JSON.stringify(step.args), space)}`, 3);

  const progress: number[] = [];
  const startedAt = performance.now();
  const result = await client.callTool(tool.name, step.args, (value, message) => {
    progress.push(value);
    if (step.showProgress === true)
      print(`      ${output.paint('dim', `progress ${value}: ${message ?? ''}`)}`);
  });
  const took = `${Math.round(performance.now() - startedAt)} ms`;
  const text = textOf(result);
  const arrow = output.paint(result.isError ? 'yellow' : 'green', '<-');
  const [first = '', ...others] = `${text} ${output.paint('dim', `(${took})`)}`.split('\n');
  print(`   ${arrow} ${first}`, 3);
  for (const line of others) print(`      ${line}`);

  const wrong = step.check({ result, progress });
  if (wrong !== undefined) throw surprise(`${tool.name}: ${wrong}`);
  const saved = await saveFiles(result.content, {
    folder,
    fallback: tool.name,
    read: (uri) => client.readFile(uri),
  });
  for (const file of saved) print(`      saved ${file.path} (${file.mimeType}, ${file.bytes} bytes)`);
  if (step.remark !== undefined) print(`      ${step.remark}`);
  return {
    tool: tool.name,
    arguments: step.args,
    isError: result.isError === true,
    text,
    progress: progress.length,
    saved,
  };
}

function finish(
  output: Output,
  start: { readonly command: string; readonly args: readonly string[] },
  seen: { readonly tools: readonly ListedTool[]; readonly calls: readonly DemoCall[] },
): void {
  const target = { kind: 'stdio', ...start, clientSecrets: false } as const;
  const config = newFileText(CLIENTS['claude-desktop'], 'dify', target);
  output.data({ ok: true, ...seen, config: JSON.parse(config) as unknown }, () =>
    [
      '',
      output.paint('green', `All ${seen.calls.length} calls succeeded as expected.`),
      '',
      output.prose(NEXT),
      '',
      config,
    ].join('\n'),
  );
}

function surprise(what: string): BridgeError {
  return new BridgeError('internal', `The demo failed: ${what}.`);
}
