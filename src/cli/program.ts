import { parseArgs } from 'node:util';
import { Argument, Command, CommanderError, Option } from 'commander';
import { asBridgeError, BridgeError, ERROR_RULES } from '../model/errors.ts';
import { Secrets } from '../model/secrets.ts';
import { VERSION } from '../version.ts';
import type { CommandEntry, CommandOption } from './command-entry.ts';
import { COMMANDS, SANDBOX, WORKSPACE } from './commands.ts';
import type { CliIo } from './io.ts';
import { formatItem, helpWidthOf, MIN_HELP, wrap, wrapCommand } from './layout.ts';
import { createOutput, type Output } from './output.ts';
import type { GlobalOptions } from './session.ts';
import { NAME, programName } from './typed.ts';

const EXIT_CODES =
  'Exit codes: 0 success, 1 a tool or Dify failed, 2 usage or configuration, 4 authentication, 130 interrupted.';

/**
 * Runs the command line; `argv` has only the arguments. Returns the exit code and never throws. Help and
 * version do not load the protocol or the configuration checks.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let exitCode = 0;
  const early = createOutput(io, { json: wantsJson(argv), color: !argv.includes('--no-color') });
  const program = createProgram(io, async (entry, command) => {
    const { workspace, ...rest } = command.optsWithGlobals<Options>();
    // To the commands that sign in, --workspace names one of Dify's.
    const options = entry.sandbox === true ? { ...rest, workspace } : rest;
    const output = createOutput(io, { json: options.output === 'json', color: options.color !== false });
    const { run } = await entry.load();
    exitCode = await run(
      { io, output, options, program },
      { ...options, workspace } as never,
      ...(command.args as never[]),
    );
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    const report = reporterOf(program, argv, io, early);
    return await (error instanceof CommanderError
      ? usageExit(error, report, commandOf(program, argv))
      : failureExit(error, report, io));
  }
}

type Report = (error: BridgeError) => Promise<void>;

/**
 * Returns what reports the error that ended the program. Without a terminal, everything that `serve` writes on standard
 * error is a log line, because programs read it there.
 */
function reporterOf(program: Command, argv: readonly string[], io: CliIo, output: Output): Report {
  const command = argv.find((word) => program.commands.some((each) => each.name() === word));
  if (command !== 'serve' || io.stderr.isTTY === true || output.json) {
    return async (error) => output.error(error);
  }
  return async ({ code, message, hint, problems }) => {
    const { createLogger } = await import('../observability/logger.ts');
    const destination = { write: (line: string) => void io.stderr.write(line) };
    createLogger({ level: 'error', destination }).error(message, {
      code,
      hint,
      problems: problems.length === 0 ? undefined : problems,
    });
  };
}

/** The options of every command. */
type Options = GlobalOptions & { readonly output?: string; readonly color?: boolean };

/** Runs a command; `command` has its options and arguments. */
type Run = (entry: CommandEntry, command: Command) => Promise<void>;

function createProgram(io: CliIo, run: Run): Command {
  const name = programName(io);
  const width = helpWidthOf(io.stdout);
  const exampleText = (examples: readonly string[]): string =>
    `Example:\n${examples.map((text) => wrapCommand(`${name} ${text}`, width)).join('\n')}\n`;
  const styleUsage = (text: string): string => wrap(`Usage: ${text}`, width, 7).slice('Usage: '.length);
  const program = new Command(name)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Errors are printed once, where they are caught.
      outputError: () => undefined,
      getOutHelpWidth: () => helpWidthOf(io.stdout),
      getErrHelpWidth: () => helpWidthOf(io.stderr),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true, minWidthToWrap: MIN_HELP, formatItem, styleUsage })
    .description('Every tool of a Dify workspace as an MCP tool.')
    .version(`${NAME} ${VERSION}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addOption(new Option('-o, --output <format>', 'form of the result').choices(['text', 'json']))
    .option('--config <file>', 'configuration file (env DIFY_BRIDGE_CONFIG)')
    .option('--log-level <level>', 'debug, info, warn, error or silent (env DIFY_BRIDGE_LOG_LEVEL)')
    .option('--no-color', 'no colours on a terminal (env NO_COLOR)')
    .addHelpText('before', exampleText(['demo']))
    .addHelpText('after', `\n${wrap(EXIT_CODES, width)}`);
  for (const item of COMMANDS) {
    if ('usage' in item) addCommand(program, item, exampleText, run);
    else {
      const group = program
        .command(item.name)
        .description(item.description)
        .helpCommand('help [command]', 'print the help of a command')
        .addHelpText('before', exampleText([item.example]));
      for (const entry of item.commands) addCommand(group, entry, exampleText, run);
    }
  }
  return program;
}

function addCommand(
  parent: Command,
  entry: CommandEntry,
  exampleText: (examples: readonly string[]) => string,
  run: Run,
): void {
  const { usage, description, examples, sandbox, argument, options = [], excessWords = false } = entry;
  const command = parent
    .command(usage)
    .description(description)
    .addHelpText('before', exampleText(examples))
    .allowExcessArguments(excessWords)
    .action(() => run(entry, command));
  if (argument !== undefined) {
    const [name, about, values] = argument;
    command.addArgument(new Argument(name, about).choices(values));
  }
  if (sandbox) command.addOption(optionOf(SANDBOX)).addOption(optionOf(WORKSPACE));
  for (const option of options) command.addOption(optionOf(option));
}

function optionOf([flags, description, values]: CommandOption): Option {
  const option = new Option(flags, description);
  if (values === 'repeated') {
    return option.argParser((value, before: readonly string[] | undefined) => [...(before ?? []), value]);
  }
  return values === undefined ? option : option.choices(values);
}

/** Returns whether to print errors of the command line itself as JSON. */
function wantsJson(argv: readonly string[]): boolean {
  const options = { output: { type: 'string', short: 'o' } } as const;
  return parseArgs({ args: [...argv], options, strict: false }).values.output === 'json';
}

/** Returns the name of the intended command as far as it exists, such as `dify-mcp-bridge tools`. */
function commandOf(program: Command, argv: readonly string[]): string {
  const [word, ...rest] = argv;
  const found = program.commands.find((command) => command.name() === word);
  return found === undefined ? program.name() : `${program.name()} ${commandOf(found, rest)}`;
}

async function usageExit(error: CommanderError, report: Report, command: string): Promise<number> {
  // Help and version also end the parsing. Without a command, commander has printed the help as an error.
  if (error.exitCode === 0) return 0;
  if (error.code !== 'commander.help') {
    const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
    const hint = [...rest.map((text) => text.replace(/^\((.*)\)$/, '$1')), `See ${command} --help.`].join(
      ' ',
    );
    await report(new BridgeError('usage', message, { hint }));
  }
  return ERROR_RULES.usage.exit;
}

async function failureExit(thrown: unknown, report: Report, io: CliIo): Promise<number> {
  const error = asBridgeError(thrown);
  await report(error.code === 'internal' ? detailed(error, io) : error);
  // The cause decides the exit code, not the error that reports it.
  const { code, cause } = error;
  return (code === 'catalog_unavailable' && cause instanceof BridgeError ? cause : error).rule.exit;
}

/** Returns an internal error with its original message, without secrets: the log may not show it. */
function detailed(error: BridgeError, io: CliIo): BridgeError {
  const secrets = Object.entries(io.env).flatMap(([name, value]) =>
    value !== undefined && /^DIFY_.*(KEY|PASSWORD|TOKEN)$/.test(name) ? [value] : [],
  );
  const cause = error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : '';
  return new BridgeError('internal', new Secrets(secrets).mask(`${error.message} ${cause}`).trim(), {
    hint: 'This is a fault in the bridge itself. Run it again with --log-level debug for the details.',
    cause: error.cause,
  });
}
