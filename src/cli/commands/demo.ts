import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLIENTS } from '../../clients/client.ts';
import { newFileText } from '../../clients/edit.ts';
import { createSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { slowReportWorkflow } from '../../sandbox/tools-workflows.ts';
import { signIn } from '../../setup/sign-in.ts';
import { connectDemoClient, type DemoClient } from '../demo-client.ts';
import { createStage, type Stage, surprise, takeTour, type Tour } from '../demo-tour.ts';
import { untilInterrupted } from '../interrupt.ts';
import type { CliIo } from '../io.ts';
import { count, type Output } from '../output.ts';
import { ownCommand } from '../typed.ts';
import type { CommandContext } from '../session.ts';

const INTRODUCTION =
  'This demo uses a sandbox instead of a Dify. Everything else is real: it signs in with an account, as you do; an MCP ' +
  'client starts the bridge, as Claude Desktop does; and the tools run over the account road, as in Dify Cloud and in ' +
  'any Dify of your own.';

/** `demo`: signs in to a sandbox and runs a real client. Throws if anything is not as expected. */
export async function run(
  { io, output }: CommandContext,
  options: { readonly out?: string },
): Promise<number> {
  const program = realpathSync(io.program.script);
  const folder = options.out ?? mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-demo-'));
  const stage = createStage(output);
  const { print, headline } = stage;
  return untilInterrupted(io, async (signal) => {
    const sandbox = await createSandbox();
    // Isolates the demo: no settings of this machine get in, and no files are left behind.
    const home = mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-home-'));
    let client: DemoClient | undefined;
    try {
      sandbox.workspace.addProvider(slowReportWorkflow);
      print(INTRODUCTION);
      await logIn(stage, io, sandbox, home, signal);

      headline('The client starts the bridge and connects over standard input and output');
      const server = { command: io.program.node, args: [program, 'serve'] };
      print(`   $ ${[server.command, ...server.args].join(' ')}`);
      const env = { XDG_CONFIG_HOME: home, DIFY_BRIDGE_LOG_LEVEL: 'warn', DIFY_BRIDGE_FILES_STORE: 'memory' };
      client = await connectDemoClient({ ...server, env }, signal);
      print(`   Connected to ${client.server}, protocol version ${client.protocolVersion}.`);

      const tour = await takeTour(stage, client, folder);
      await cancelCall(stage, client, sandbox);
      finish(output, io, { command: server.command, args: [program, 'serve', '--sandbox'] }, tour);
      return 0;
    } finally {
      await client?.close();
      await sandbox.close();
      rmSync(home, { recursive: true, force: true });
    }
  });
}

async function logIn(
  { print, headline }: Stage,
  io: CliIo,
  { url, credentials }: Sandbox,
  home: string,
  signal: AbortSignal,
): Promise<void> {
  const { email, password } = credentials;
  headline('You sign in to Dify with your account');
  print(`   $ ${ownCommand(io, `login ${url} --email ${email} --yes`)}`);
  const { login, role } = await signIn({
    asker: undefined,
    given: { url, email, password, yes: true },
    file: join(home, 'dify-mcp-bridge', 'logins.json'),
    signal,
    note: (text) => print(`   ${text}`),
    show: () => undefined,
  });
  print(`   Signed in as ${login.email} (${role}), in "${login.workspaceName}". No keys are needed.`);
}

/** Cancels a workflow of ten minutes, and waits until Dify has stopped it. */
async function cancelCall({ headline, print, output }: Stage, client: DemoClient, { account }: Sandbox) {
  headline('A workflow that the client cancels');
  const tool = 'workflow__slow_report';
  const args = { seconds: 600 };
  print(`   ${output.paint('cyan', '->')} ${tool} ${JSON.stringify(args)}`);
  const cancel = new AbortController();
  const started = account.nextTask();
  const call = client.callTool(tool, args, () => undefined, cancel.signal);
  const ended = call.then(
    () => 'answered' as const,
    () => 'failed' as const,
  );
  const task = await Promise.race([started, ended]);
  cancel.abort();
  if (typeof task === 'string') throw surprise('the workflow did not start');
  if ((await ended) === 'answered') throw surprise('the call was not cancelled');
  await task.ended;
  if (task.state !== 'stopped') throw surprise('Dify did not stop the workflow');
  print('      Cancelled, and stopped in Dify.');
}

function finish(
  output: Output,
  io: CliIo,
  start: { readonly command: string; readonly args: readonly string[] },
  seen: Tour,
): void {
  const target = { kind: 'stdio', ...start, clientSecrets: false } as const;
  const config = newFileText(CLIENTS['claude-desktop'], 'dify', target);
  output.data({ ok: true, road: 'account', ...seen, config: JSON.parse(config) as unknown }, () =>
    [
      '',
      output.paint('green', `All ${count(seen.calls.length, 'call')} succeeded as expected.`),
      '',
      output.prose(
        'To try this in Claude Desktop, paste these lines into claude_desktop_config.json (Settings, Developer, Edit ' +
          `Config) and restart it, or run: ${ownCommand(io, 'install claude-desktop --sandbox')}`,
      ),
      output.prose(`To use your own Dify, sign in: ${ownCommand(io, 'login')}`),
      '',
      config,
    ].join('\n'),
  );
}
