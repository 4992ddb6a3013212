import { CLIENT_NAMES } from '../clients/client.ts';
import { SANDBOX_SETS } from '../config/layers.ts';
import type { CommandContext } from './session.ts';

/** A module in `commands/`. `run` gets the words after the command's name, and resolves with the exit code. */
interface CommandModule {
  readonly run: (context: CommandContext, options: never, ...words: never[]) => Promise<number>;
}

/** An option. With `repeated`, the command gets a list of values. */
export type CommandOption = readonly [
  flags: string,
  description: string,
  values?: readonly string[] | 'repeated',
];

export interface CommandEntry {
  /** The name and the arguments, such as `show <name>`. */
  readonly usage: string;
  readonly description: string;
  readonly examples: readonly string[];
  /** True if the command also runs against the sandbox. */
  readonly sandbox?: true;
  readonly argument?: readonly [name: string, description: string, values: readonly string[]];
  readonly options?: readonly CommandOption[];
  /** True if the command itself rejects words after its arguments, with a specific message. */
  readonly excessWords?: true;
  /** Loads the command. Help and version load no command. */
  readonly load: () => Promise<CommandModule>;
}

export interface CommandGroup {
  readonly name: string;
  readonly description: string;
  readonly example: string;
  readonly commands: readonly CommandEntry[];
}

/** The option of every command with `sandbox`. */
export const SANDBOX: CommandOption = [
  '--sandbox [set]',
  'use the built-in sandbox instead of a Dify',
  SANDBOX_SETS,
];
const VIEW: CommandOption = ['--view <name>', 'the view whose tools are meant, the default one unless given'];
const DIR: CommandOption = [
  '--dir <dir>',
  'folder of the files (default: manifest.dir or manifests/tools; for a view, one in there)',
];

const init: CommandEntry = {
  usage: 'init',
  description: 'ask for the way to your Dify, check it, and write the configuration file',
  examples: ['init', 'init --dify-env docker/.env --url http://127.0.0.1:5001 --yes'],
  options: [
    ['--url <url>', "address of Dify's api service (env DIFY_API_URL)"],
    // Not --env-file: Node itself reads that option at any position, and fails on a folder.
    ['--dify-env <file>', "Dify's own .env, to take its keys from; a folder means the .env in it"],
    ['--workspace <name>', 'id or name of the workspace (env DIFY_WORKSPACE_ID)'],
    ['--no-files', 'leave out SECRET_KEY: before Dify 1.15, most files of results do not arrive then'],
    ['--client <client>', 'run install for it afterwards', CLIENT_NAMES.filter((name) => name !== 'json')],
    ['--force', 'write the file even if there is one; a copy of that one is kept'],
    ['--yes', 'ask nothing: flags, environment and --dify-env say it all'],
  ],
  load: () => import('./commands/init.ts'),
};

const install: CommandEntry = {
  usage: 'install',
  description: "put the bridge into an MCP client's configuration",
  examples: ['install cursor', 'install vscode --http http://127.0.0.1:8080/mcp --dry-run'],
  sandbox: true,
  argument: ['<client>', 'the client', CLIENT_NAMES],
  options: [
    ['--name <name>', 'name of the entry, dify unless given'],
    ['--http <url>', 'the client connects to a bridge at this address instead of starting one'],
    ['--authorization', 'send a bearer token with --http; by default, to addresses other than loopback'],
    ['--no-authorization', 'send none'],
    [
      '--command <how>',
      'how the client starts the bridge: npx fetches it; local is the program that runs now, the default unless npx runs it or with --project',
      ['npx', 'local'],
    ],
    [
      '--secrets <where>',
      'who keeps the keys: the configuration file (default) or the client',
      ['config', 'client'],
    ],
    ['--view <name>', 'the view that the client gets'],
    ['--project [dir]', 'the file of a project: claude-code, cursor, vscode'],
    ['--file <file>', "another file than the client's own"],
    ['--remove', 'take the entry out'],
    ['--dry-run', 'show what would change, and write nothing'],
    ['--yes', 'do not ask before writing'],
  ],
  load: () => import('./commands/install.ts'),
};

const serve: CommandEntry = {
  usage: 'serve',
  description: 'serve the tools to an MCP client, over standard input and output or over HTTP',
  examples: ['serve --sandbox', 'serve --http --port 8080'],
  sandbox: true,
  options: [
    ['--http', 'serve Streamable HTTP at /mcp and /mcp/VIEW instead of standard input and output'],
    ['--host <host>', 'address to listen on (env DIFY_BRIDGE_HOST)'],
    ['--port <port>', 'port to listen on, 0 for a free one (env DIFY_BRIDGE_PORT)'],
    ['--view <name>', 'the view for standard input and output, the default one unless given'],
    ['--manifest <dir>', 'folder of approved tools to serve from (env DIFY_BRIDGE_MANIFEST)'],
    ['--frozen', 'serve only tools as they were approved (env DIFY_BRIDGE_MANIFEST_FROZEN)'],
  ],
  load: () => import('./commands/serve.ts'),
};

const tools: CommandGroup = {
  name: 'tools',
  description: 'what is published, and what is not and why',
  example: 'tools list',
  commands: [
    {
      usage: 'list',
      description: 'list the tools and what they cost of a context',
      examples: ['tools list', 'tools list --view support -o json'],
      sandbox: true,
      options: [VIEW],
      load: () => import('./commands/tools-list.ts'),
    },
    {
      usage: 'show <name>',
      description: 'print a tool as an MCP client sees it',
      examples: ['tools show time__current_time --sandbox'],
      sandbox: true,
      options: [VIEW],
      load: () => import('./commands/tools-show.ts'),
    },
    {
      usage: 'explain <name>',
      description: 'say where a tool comes from, and each rule that decided on it',
      examples: ['tools explain time__current_time --sandbox'],
      sandbox: true,
      options: [VIEW],
      load: () => import('./commands/tools-explain.ts'),
    },
  ],
};

const call: CommandEntry = {
  usage: 'call <name>',
  description: 'call a tool once and print its result',
  examples: [
    `call time__weekday --args '{"year":2026,"month":11,"day":22}' --sandbox`,
    'call workflow__text_report --file document=notes.txt --sandbox',
    'call workflow__report --args @arguments.json --out results',
  ],
  sandbox: true,
  options: [
    ['--args <json>', 'arguments: a JSON object, @file, or - for standard input'],
    ['--file <parameter=path>', 'a file as an argument; repeat it for several', 'repeated'],
    ['--out <dir>', 'folder to save the files of the result in'],
  ],
  excessWords: true,
  load: () => import('./commands/call.ts'),
};

const doctor: CommandEntry = {
  usage: 'doctor',
  description: 'check each step of the way to Dify, and say how to mend what fails',
  examples: ['doctor'],
  sandbox: true,
  load: () => import('./commands/doctor.ts'),
};

const demo: CommandEntry = {
  usage: 'demo',
  description: 'show the bridge at work with the sandbox: no Dify and no configuration needed',
  examples: ['demo'],
  options: [['--out <dir>', 'folder to save the files of the demo in (a new temporary one unless given)']],
  load: () => import('./commands/demo.ts'),
};

const manifest: CommandGroup = {
  name: 'manifest',
  description: 'the approved tools, as files',
  example: 'manifest diff',
  commands: [
    {
      usage: 'pull',
      description: 'write what is published as files to review and to serve from',
      examples: ['manifest pull', 'manifest pull --dry-run'],
      sandbox: true,
      options: [VIEW, DIR, ['--dry-run', 'say what would change, and write nothing']],
      load: () => import('./commands/manifest-pull.ts'),
    },
    {
      usage: 'diff',
      description: 'print how what is published differs from the files; exit code 1 if it does',
      examples: ['manifest diff', 'manifest diff --view support -o json'],
      sandbox: true,
      options: [VIEW, DIR],
      load: () => import('./commands/manifest-diff.ts'),
    },
    {
      usage: 'schema',
      description: 'print the JSON Schema of the files, for editors',
      examples: ['manifest schema > manifest.schema.json'],
      load: () => import('./commands/manifest-schema.ts'),
    },
  ],
};

const config: CommandGroup = {
  name: 'config',
  description: 'the configuration',
  example: 'config check',
  commands: [
    {
      usage: 'check',
      description: "check the configuration, also against Dify's tools where they can be listed",
      examples: ['config check --config bridge.yaml', 'config check --live'],
      sandbox: true,
      options: [
        ['--live', "fail where Dify's tools cannot be listed to check against"],
        ['--no-live', "check the configuration alone, without Dify's tools"],
      ],
      load: () => import('./commands/config-check.ts'),
    },
    {
      usage: 'show',
      description: 'print each setting, its value and its source, without secrets',
      examples: ['config show'],
      sandbox: true,
      load: () => import('./commands/config-show.ts'),
    },
    {
      usage: 'schema',
      description: 'print the JSON Schema of the configuration file, for editors',
      examples: ['config schema > dify-mcp-bridge.schema.json'],
      load: () => import('./commands/config-schema.ts'),
    },
  ],
};

const version: CommandEntry = {
  usage: 'version',
  description: 'print the version',
  examples: ['version -o json'],
  load: () => import('./commands/version.ts'),
};

const help: CommandEntry = {
  usage: 'help [words...]',
  description: 'print the help of a command, or on environment, exit-codes or troubleshooting',
  examples: ['help exit-codes', 'help tools list'],
  load: () => import('./commands/help.ts'),
};

/** Every command, in the order of the help. */
export const COMMANDS: readonly (CommandEntry | CommandGroup)[] = [
  init,
  install,
  serve,
  tools,
  call,
  doctor,
  demo,
  manifest,
  config,
  version,
  help,
];
