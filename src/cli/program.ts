import { Command, CommanderError, Option } from 'commander';
import { asBridgeError, BridgeError, ERROR_RULES } from '../model/errors.ts';
import { scrubber } from '../observability/redact.ts';
import { VERSION } from '../version.ts';
import {
  type About,
  CALL,
  CHECK,
  DEMO,
  DIFF,
  DOCTOR,
  EXPLAIN,
  LIST,
  MANIFEST_SCHEMA,
  PULL,
  SCHEMA,
  SERVE,
  SHOW,
  SHOW_CONFIG,
  VERSION_ABOUT,
} from './about.ts';
import type { CliIo } from './io.ts';
import { createOutput, type Output } from './output.ts';
import { addReadingCommands, addSetupCommands } from './program-setup.ts';
import type { CommandContext, GlobalOptions } from './session.ts';

const NAME = 'dify-mcp-bridge';

const VIEW_OPTION = 'the view whose tools are meant, the default one unless given';
const DIR_OPTION = 'folder of the files (default: manifest.dir or manifests/tools; for a view, one in there)';

const EXIT_CODES = `
Exit codes: 0 success, 1 a tool or Dify failed, 2 usage or configuration, 4 authentication, 130 interrupted.`;

/** The options of all commands together; each command reads its own. */
export type Options = GlobalOptions & {
  readonly output?: string;
  readonly color?: boolean;
  readonly http?: string | true;
  readonly args?: string;
  readonly out?: string;
  readonly file?: string | readonly string[];
  readonly view?: string;
  readonly dir?: string;
  readonly dryRun?: true;
  readonly live?: boolean;
};

/** A command's work; its module is loaded only when the command runs. */
export type Action = (context: CommandContext, options: Options, ...positional: string[]) => Promise<number>;

/**
 * Runs the command line: `argv` holds the arguments alone. Answers the exit code and never throws. Help and
 * version are answered without loading the protocol or the checking of the configuration.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let exitCode = 0;
  const early = createOutput(io, { json: wantsJson(argv), color: !argv.includes('--no-color') });
  const program = createProgram(io, async (action, options, positional) => {
    const output = createOutput(io, { json: options.output === 'json', color: options.color !== false });
    exitCode = await action({ io, output, options }, options, ...positional);
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return error instanceof CommanderError
      ? usageExit(error, early, commandOf(program, argv))
      : failureExit(error, early, io);
  }
}

/** Adds a command below another. */
export type AddCommand = (
  parent: Command,
  usage: string,
  about: About,
  load: () => Promise<Action>,
) => Command;

type Run = (action: Action, options: Options, positional: string[]) => Promise<void>;

function createProgram(io: CliIo, run: Run): Command {
  const program = new Command(NAME)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Errors are printed once, by whoever catches them.
      outputError: () => undefined,
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true })
    .description('Every tool of a Dify workspace as an MCP tool.')
    .version(`${NAME} ${VERSION}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addOption(new Option('-o, --output <format>', 'form of the result').choices(['text', 'json']))
    .option('--config <file>', 'configuration file (env DIFY_BRIDGE_CONFIG)')
    .option('--log-level <level>', 'debug, info, warn, error or silent (env DIFY_BRIDGE_LOG_LEVEL)')
    .option('--no-color', 'no colours on a terminal (env NO_COLOR)');

  const add: AddCommand = (parent, usage, about, load) => {
    const command = parent
      .command(usage)
      .description(about.description)
      .addHelpText('before', `Example:\n${about.examples.map((text) => `  ${NAME} ${text}`).join('\n')}\n`);
    if (about.sandbox) {
      command.addOption(
        new Option('--sandbox [set]', 'use the built-in sandbox instead of a Dify').choices([
          'demo',
          'files',
          'long',
        ]),
      );
    }
    return command.action(async (...received: unknown[]) => {
      const positional = received.flat().filter((value) => typeof value === 'string');
      await run(await load(), command.optsWithGlobals<Options>(), positional);
    });
  };
  const group = (name: string, description: string, example: string): Command =>
    program
      .command(name)
      .description(description)
      .helpCommand('help [command]', 'print the help of a command')
      .addHelpText('before', `Example:\n  ${NAME} ${example}\n`);

  addSetupCommands(program, add);
  add(program, 'serve', SERVE, async () => {
    const { serve } = await import('./serve.ts');
    return (context, { http, view }) => serve(context, { overHttp: http === true, view });
  })
    .option('--http', 'serve Streamable HTTP at /mcp and /mcp/VIEW instead of standard input and output')
    .option('--host <host>', 'address to listen on (env DIFY_BRIDGE_HOST)')
    .option('--port <port>', 'port to listen on, 0 for a free one (env DIFY_BRIDGE_PORT)')
    .option('--view <name>', 'the view for standard input and output, the default one unless given')
    .option('--manifest <dir>', 'folder of approved tools to serve from (env DIFY_BRIDGE_MANIFEST)')
    .option('--frozen', 'serve only tools as they were approved (env DIFY_BRIDGE_MANIFEST_FROZEN)');

  const tools = group('tools', 'what is published, and what is not and why', 'tools list');
  add(tools, 'list', LIST, async () => (await import('./tools.ts')).listTools).option(
    '--view <name>',
    VIEW_OPTION,
  );
  add(tools, 'show <name>', SHOW, async () => {
    const { showTool } = await import('./tools.ts');
    return (context, options, name) => showTool(context, name ?? '', options);
  }).option('--view <name>', VIEW_OPTION);
  add(tools, 'explain <name>', EXPLAIN, async () => {
    const { explain } = await import('./tools.ts');
    return (context, options, name) => explain(context, name ?? '', options);
  }).option('--view <name>', VIEW_OPTION);

  add(program, 'call <name>', CALL, async () => {
    const { call } = await import('./call.ts');
    return (context, { args, out, file }, name) =>
      call(context, { name: name ?? '', args, out, files: file as readonly string[] | undefined });
  })
    .option('--args <json>', 'arguments: a JSON object, @file, or - for standard input')
    .option(
      '--file <parameter=path>',
      'a file as an argument; repeat it for several',
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
    )
    .option('--out <dir>', 'folder to save the files of the result in')
    .allowExcessArguments()
    .hook('preAction', async ({ args: [, ...more] }) => {
      if (more.length > 0) throw (await import('./arguments.ts')).misplaced(more);
    });

  add(program, 'doctor', DOCTOR, async () => (await import('./doctor.ts')).doctor);
  add(program, 'demo', DEMO, async () => (await import('./demo.ts')).demo).option(
    '--out <dir>',
    'folder to save the files of the demo in (a new temporary one unless given)',
  );

  const manifest = group('manifest', 'the approved tools, as files', 'manifest diff');
  add(manifest, 'pull', PULL, async () => (await import('./manifest.ts')).pullManifest)
    .option('--view <name>', VIEW_OPTION)
    .option('--dir <dir>', DIR_OPTION)
    .option('--dry-run', 'say what would change, and write nothing');
  add(manifest, 'diff', DIFF, async () => (await import('./manifest.ts')).diffManifest)
    .option('--view <name>', VIEW_OPTION)
    .option('--dir <dir>', DIR_OPTION);
  add(manifest, 'schema', MANIFEST_SCHEMA, async () => (await import('./manifest.ts')).printManifestSchema);

  const config = group('config', 'the configuration', 'config check');
  add(config, 'check', CHECK, async () => (await import('./config.ts')).checkConfig)
    .option('--live', "fail where Dify's tools cannot be listed to check against")
    .option('--no-live', "check the configuration alone, without Dify's tools");
  add(config, 'show', SHOW_CONFIG, async () => (await import('./config.ts')).showConfig);
  add(config, 'schema', SCHEMA, async () => (await import('./config.ts')).printSchema);

  add(program, 'version', VERSION_ABOUT, async () => async ({ output }) => {
    const about = { name: NAME, version: VERSION, node: process.versions.node };
    output.data(about, () => `${NAME} ${VERSION} (Node.js ${about.node})`);
    return 0;
  });
  addReadingCommands(program, add);
  return program.addHelpText('before', `Example:\n  ${NAME} demo\n`).addHelpText('after', EXIT_CODES);
}

/** Whether errors of the command line itself are to be printed as JSON. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, index) =>
      word === '-ojson' ||
      word === '--output=json' ||
      ((word === '-o' || word === '--output') && argv[index + 1] === 'json'),
  );
}

/** The command that was meant, as far as there is one of that name, such as `dify-mcp-bridge tools`. */
function commandOf(program: Command, argv: readonly string[]): string {
  const [word, ...rest] = argv;
  const found = program.commands.find((command) => command.name() === word);
  return found === undefined ? program.name() : `${program.name()} ${commandOf(found, rest)}`;
}

function usageExit(error: CommanderError, output: Output, command: string): number {
  // Help and version end the parsing too; without a command commander has printed the help as an error.
  if (error.exitCode === 0) return 0;
  if (error.code !== 'commander.help') {
    const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
    const hint = [...rest.map((text) => text.replace(/^\((.*)\)$/, '$1')), `See ${command} --help.`].join(
      ' ',
    );
    output.error(new BridgeError('usage', message, { hint }));
  }
  return ERROR_RULES.usage.exit;
}

function failureExit(thrown: unknown, output: Output, io: CliIo): number {
  const error = asBridgeError(thrown);
  output.error(error.code === 'internal' ? detailed(error, io) : error);
  // Why the tools could not be loaded decides, not that they could not.
  const { code, cause } = error;
  return (code === 'catalog_unavailable' && cause instanceof BridgeError ? cause : error).rule.exit;
}

/** A fault of the program, with what it says of itself but for secrets: there may be no log to look into. */
function detailed(error: BridgeError, io: CliIo): BridgeError {
  const secrets = Object.entries(io.env).flatMap(([name, value]) =>
    value !== undefined && /^DIFY_.*(KEY|PASSWORD|TOKEN)$/.test(name) ? [value] : [],
  );
  const cause = error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : '';
  return new BridgeError('internal', scrubber(secrets)(`${error.message} ${cause}`).trim(), {
    hint: 'This is a fault in the bridge itself. Run it again with --log-level debug for the details.',
    cause: error.cause,
  });
}
