import { Argument, type Command, Option } from 'commander';
import { CLIENT_NAMES, type ClientName } from '../clients/client.ts';
import { COMPLETION, HELP, INIT, INSTALL } from './commands.ts';
import type { Shell } from './commands/completion.ts';
import type { InitOptions } from './commands/init.ts';
import type { InstallOptions } from './commands/install.ts';
import type { AddCommand } from './program.ts';

/** Adds the commands that set the bridge up. */
export function addSetupCommands(program: Command, add: AddCommand): void {
  add(program, 'init', INIT, async () => {
    const { init } = await import('./commands/init.ts');
    return (context, options) => init(context, options as InitOptions);
  })
    .option('--url <url>', "address of Dify's api service (env DIFY_API_URL)")
    // Not --env-file: Node reads that one itself, wherever it stands, and gives up on a folder.
    .option('--dify-env <file>', "Dify's own .env, to take its keys from; a folder means the .env in it")
    .option('--workspace <name>', 'id or name of the workspace (env DIFY_WORKSPACE_ID)')
    .option('--no-files', 'leave out SECRET_KEY: before Dify 1.15, most files of results do not arrive then')
    .addOption(
      oneOf(
        '--client <client>',
        'run install for it afterwards',
        CLIENT_NAMES.filter((one) => one !== 'json'),
      ),
    )
    .option('--force', 'write the file even if there is one; that one is kept beside it')
    .option('--yes', 'ask nothing: flags, environment and --dify-env say it all');

  add(program, 'install', INSTALL, async () => {
    const { install } = await import('./commands/install.ts');
    return (context, options, client) => install(context, client as ClientName, options as InstallOptions);
  })
    .addArgument(new Argument('<client>', 'the client').choices(CLIENT_NAMES))
    .option('--name <name>', 'name of the entry, dify unless given')
    .option('--http <url>', 'the client connects to a bridge at this address instead of starting one')
    .option(
      '--authorization',
      'send a bearer token with --http; by default, to addresses other than loopback',
    )
    .option('--no-authorization', 'send none')
    .addOption(
      oneOf(
        '--command <how>',
        'how the client starts the bridge: npx fetches it; local is the program that runs now, the default unless npx runs it or with --project',
        ['npx', 'local'],
      ),
    )
    .addOption(
      oneOf('--secrets <where>', 'who keeps the keys: the configuration file (default) or the client', [
        'config',
        'client',
      ]),
    )
    .option('--view <name>', 'the view that the client gets')
    .option('--project [dir]', 'the file of a project: claude-code, cursor, vscode')
    .option('--file <file>', "another file than the client's own")
    .option('--remove', 'take the entry out')
    .option('--dry-run', 'show what would change, and write nothing')
    .option('--yes', 'do not ask before writing');
}

/** Adds the commands that tell of the program itself. */
export function addReadingCommands(program: Command, add: AddCommand): void {
  add(program, 'completion', COMPLETION, async () => {
    const [{ printCompletion }, { commandTree }] = await Promise.all([
      import('./commands/completion.ts'),
      import('./command-tree.ts'),
    ]);
    return (context, _options, shell) => printCompletion(context, commandTree(program), shell as Shell);
  }).addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']));

  add(program, 'help [words...]', HELP, async () => {
    const { help } = await import('./commands/help.ts');
    return (context, _options, ...words) => help(context, program, words);
  });
}

function oneOf(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices);
}
