import { CLIENT_NAMES } from '../clients/client.ts';
import { SANDBOX_SETS } from '../config/layers.ts';
import type { CommandEntry, CommandGroup, CommandOption } from './command-entry.ts';
import { keys } from './key-commands.ts';

/** The option of every command with `sandbox`. */
export const SANDBOX: CommandOption = [
  '--sandbox [set]',
  'use the built-in sandbox instead of a Dify',
  SANDBOX_SETS,
];
/** The option of every command that reads the configuration of one workspace. */
export const WORKSPACE: CommandOption = [
  '--workspace <name>',
  'a workspace of the configuration file; the default one if absent',
];
const VIEW: CommandOption = ['--view <name>', 'the view to use; the default view if absent'];
const DIR: CommandOption = [
  '--dir <dir>',
  'folder of the files (default: manifest.dir or manifests/tools; for a view, a subfolder)',
];

const login: CommandEntry = {
  usage: 'login [url]',
  description: 'sign in to Dify, in the cloud or self-hosted; nothing else needs to be configured',
  examples: ['login', 'login https://dify.example.com'],
  options: [
    ['--email <email>', 'e-mail address of the account (env DIFY_EMAIL)'],
    ['--password-file <file>', 'file with the password (env DIFY_PASSWORD, DIFY_PASSWORD_FILE)'],
    ['--send-code', 'have a code sent by e-mail, for a second run with --code and --code-token'],
    ['--code <code>', 'the code from the mail'],
    ['--code-token <token>', 'the token that --send-code printed'],
    ['--workspace <name>', 'id or name of the workspace (env DIFY_WORKSPACE_ID)'],
    ['--yes', 'agree to the app "MCP bridge" in the workspace, and to switching the workspace'],
  ],
  load: () => import('./commands/login.ts'),
};

const logout: CommandEntry = {
  usage: 'logout [url]',
  description: 'sign out of Dify and delete the stored login',
  examples: ['logout', 'logout https://dify.example.com --email me@example.com'],
  options: [
    ['--email <email>', 'the account, if several are signed in'],
    ['--all', 'every stored login, or every one at this address'],
  ],
  load: () => import('./commands/logout.ts'),
};

const whoami: CommandEntry = {
  usage: 'whoami',
  description: 'show the Dify, the account, the workspace and the role that the bridge uses',
  examples: ['whoami', 'whoami -o json'],
  load: () => import('./commands/whoami.ts'),
};

const init: CommandEntry = {
  usage: 'init',
  description: 'set up everything: sign in, or check keys and write the configuration file; then a client',
  examples: ['init', 'init --dify-env docker/.env --url http://127.0.0.1:5001 --yes'],
  options: [
    ['--url <url>', 'address of Dify (env DIFY_URL), with keys that of its api service (env DIFY_API_URL)'],
    // Not --env-file: Node itself reads that option at any position, and fails on a folder.
    ['--dify-env <file>', "Dify's own .env, which contains the keys; for a folder, the .env in it"],
    ['--workspace <name>', 'id or name of the workspace (env DIFY_WORKSPACE_ID)'],
    ['--no-files', 'do not ask for SECRET_KEY; before Dify 1.15, most files of results then do not arrive'],
    ['--client <client>', 'then run install for this client', CLIENT_NAMES.filter((name) => name !== 'json')],
    ['--force', 'overwrite an existing file and save a copy of it'],
    ['--yes', 'ask nothing: take everything from flags, environment and --dify-env; agrees to the app'],
  ],
  load: () => import('./commands/init.ts'),
};

const install: CommandEntry = {
  usage: 'install',
  description: "add the bridge to an MCP client's configuration",
  examples: ['install cursor', 'install vscode --http http://127.0.0.1:8080/mcp --dry-run'],
  sandbox: true,
  argument: ['<client>', 'the client', CLIENT_NAMES],
  options: [
    ['--name <name>', 'name of the entry (default: dify)'],
    ['--http <url>', 'connect the client to a bridge at this address instead of starting one'],
    ['--authorization', 'send a bearer token with --http; the default for addresses other than loopback'],
    ['--no-authorization', 'send no bearer token'],
    [
      '--command <how>',
      'how the client starts the bridge: npx fetches it; local runs the installed program (default: local, but npx if npx runs this command or with --project)',
      ['npx', 'local'],
    ],
    [
      '--secrets <where>',
      'where the keys are stored: in the configuration file (default) or by the client',
      ['config', 'client'],
    ],
    ['--view <name>', 'the view that the client uses'],
    ['--project [dir]', 'write to the file of a project: claude-code, cursor, vscode'],
    ['--file <file>', "write to this file instead of the client's own"],
    ['--remove', 'remove the entry'],
    ['--dry-run', 'show what would change, but write nothing'],
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
    ['--view <name>', 'the view for standard input and output; the default view if absent'],
    ['--manifest <dir>', 'folder of approved tools to serve from (env DIFY_BRIDGE_MANIFEST)'],
    ['--frozen', 'serve only tools that match their approval (env DIFY_BRIDGE_MANIFEST_FROZEN)'],
  ],
  load: () => import('./commands/serve.ts'),
};

const tools: CommandGroup = {
  name: 'tools',
  description: 'show what is published, and what is withheld and why',
  example: 'tools list',
  commands: [
    {
      usage: 'list',
      description: 'list the tools and their cost in context',
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
      description: 'show where a tool comes from, and each rule that applied to it',
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
    ['--file <parameter=path>', 'a file as an argument; repeat for several files', 'repeated'],
    ['--out <dir>', 'folder in which to save the files of the result'],
  ],
  excessWords: true,
  load: () => import('./commands/call.ts'),
};

const doctor: CommandEntry = {
  usage: 'doctor',
  description: 'check each step of the way to Dify, and say how to fix failures',
  examples: ['doctor'],
  sandbox: true,
  load: () => import('./commands/doctor.ts'),
};

const demo: CommandEntry = {
  usage: 'demo',
  description: 'show the bridge at work with the sandbox: no Dify and no configuration needed',
  examples: ['demo'],
  options: [
    ['--out <dir>', 'folder in which to save the files of the demo (default: a new temporary folder)'],
  ],
  load: () => import('./commands/demo.ts'),
};

const manifest: CommandGroup = {
  name: 'manifest',
  description: 'manage the approved tools as files',
  example: 'manifest diff',
  commands: [
    {
      usage: 'pull',
      description: 'write the published tools as files to review and serve',
      examples: ['manifest pull', 'manifest pull --dry-run'],
      sandbox: true,
      options: [VIEW, DIR, ['--dry-run', 'show what would change, but write nothing']],
      load: () => import('./commands/manifest-pull.ts'),
    },
    {
      usage: 'diff',
      description: 'print how the published tools differ from the files; exit code 1 if they do',
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
  description: 'check and show the configuration',
  example: 'config check',
  commands: [
    {
      usage: 'check',
      description: "check the configuration, and compare it with Dify's tools if they can be listed",
      examples: ['config check --config bridge.yaml', 'config check --live'],
      sandbox: true,
      options: [
        ['--live', "fail if Dify's tools cannot be listed"],
        ['--no-live', "check only the configuration, without Dify's tools"],
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

const reload: CommandEntry = {
  usage: 'reload',
  description: 'make the running bridges of this user read their configuration again',
  examples: ['reload'],
  load: () => import('./commands/reload.ts'),
};

const version: CommandEntry = {
  usage: 'version',
  description: 'print the version',
  examples: ['version -o json'],
  load: () => import('./commands/version.ts'),
};

const help: CommandEntry = {
  usage: 'help [words...]',
  description: 'print help on a command, or on environment, exit-codes or troubleshooting',
  examples: ['help exit-codes', 'help tools list'],
  load: () => import('./commands/help.ts'),
};

/** Every command, in the order of the help. */
export const COMMANDS: readonly (CommandEntry | CommandGroup)[] = [
  login,
  logout,
  whoami,
  init,
  install,
  serve,
  reload,
  keys,
  tools,
  call,
  doctor,
  demo,
  manifest,
  config,
  version,
  help,
];
