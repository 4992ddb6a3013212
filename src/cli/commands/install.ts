import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { type Client, CLIENTS, type ClientName } from '../../clients/client.ts';
import { type EditedFile, newFileText, withEntry, withoutEntry } from '../../clients/edit.ts';
import { lineDiff } from '../../clients/line-diff.ts';
import { type Machine, projectFile, userPlace } from '../../clients/places.ts';
import { type ServerEntry, serverEntry, type ServerTarget, TOKEN_BLANK } from '../../clients/server-entry.ts';
import { BridgeError } from '../../model/errors.ts';
import { type ServerOptions, serverTarget } from '../client-server.ts';
import type { Output } from '../output.ts';
import { canAsk } from '../io.ts';
import { readIfThere, replaceFile } from '../replace-file.ts';
import type { CommandContext } from '../session.ts';

interface InstallOptions extends ServerOptions {
  readonly name?: string | undefined;
  /** `--file`: another file than the client's usual one. */
  readonly file?: string | undefined;
  readonly remove?: true | undefined;
  readonly dryRun?: true | undefined;
  readonly yes?: true | undefined;
}

const CODE = 'client_config_invalid';

/** `install CLIENT`: puts the bridge into a client's file, or takes it out. */
export async function run(
  context: CommandContext,
  options: InstallOptions,
  clientName: ClientName,
): Promise<number> {
  const client = CLIENTS[clientName];
  const name = options.name ?? 'dify';
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(name)) {
    throw new BridgeError('usage', '--name takes at most 32 letters, digits, - and _.', {
      hint: 'Clients put the name before that of every tool.',
    });
  }
  const file = fileOf(client, options, machineOf(context));
  const target = options.remove === true ? undefined : await serverTarget(context, client, options);
  if (file === undefined) return print(context, client, name, target);

  const before = await readIfThere(file, CODE);
  const edited = edit({ client, file, text: before ?? '', name }, target && serverEntry(client, target));
  return apply(context, { client, name, file, before, edited, target, options });
}

function edit(file: Parameters<typeof withEntry>[0], entry: ServerEntry | undefined): EditedFile {
  return entry === undefined ? withoutEntry(file) : withEntry(file, entry);
}

interface Planned {
  readonly client: Client;
  readonly name: string;
  readonly file: string;
  readonly before: string | undefined;
  readonly edited: EditedFile;
  readonly target: ServerTarget | undefined;
  readonly options: InstallOptions;
}

async function apply(context: CommandContext, planned: Planned): Promise<number> {
  const { io, output } = context;
  const { client, name, file, before, edited, target, options } = planned;
  const diff = lineDiff(before ?? '', edited.text);
  const result = { client: client.name, file, name, change: edited.change, diff };
  if (edited.change === 'unchanged') {
    const has = target === undefined ? `has no server called ${name}` : `has ${name} as it should be`;
    output.data({ ...result, written: false }, () => `Nothing to do: ${file} ${has}.`);
    return 0;
  }
  const preview = (): string => [`${file}:`, ...diff.map((line) => paintLine(line, output))].join('\n');
  if (options.dryRun === true) {
    output.data({ ...result, written: false }, () => `${preview()}\nNothing was written (--dry-run).`);
    return 0;
  }
  if (options.yes !== true) {
    if (output.json || !canAsk(io)) {
      throw new BridgeError('usage', 'Without a terminal, install writes only with --yes.', {
        hint: 'See with --dry-run what it would write.',
      });
    }
    output.note(preview());
    const prompter = await io.createPrompter();
    if (!(await prompter.confirm('Write this?', true))) {
      output.note('Nothing was written.');
      return 0;
    }
  }
  const { backup } = await replaceFile(file, edited.text, { before, code: CODE });
  output.data({ ...result, written: true, backup: backup ?? null }, () => {
    const kept = backup === undefined ? [] : [`The file as it was is ${backup}.`];
    const shown = options.yes === true ? [preview()] : [];
    const next = target === undefined ? [] : [client.afterwards];
    return [...shown, doneText(planned), ...kept, ...next].join('\n');
  });
  for (const note of notes(client, target)) output.note(note);
  return 0;
}

function doneText({ client, name, file, target }: Planned): string {
  return target === undefined
    ? `${name} was taken out of ${file}.`
    : `${client.title[0]?.toUpperCase()}${client.title.slice(1)} knows the bridge as ${name} now (${file}).`;
}

/** For clients without a file: the text to paste. */
function print(
  { output }: CommandContext,
  client: Client,
  name: string,
  target: ServerTarget | undefined,
): number {
  if (target === undefined) {
    throw new BridgeError(
      'usage',
      `${client.title} keeps its servers where no other program can change them.`,
      {
        hint: `Remove ${name} in ${client.title}, under Settings, MCP.`,
      },
    );
  }
  const text = newFileText(client, name, target);
  output.raw(text);
  for (const note of [client.afterwards, ...notes(client, target)]) output.note(note);
  return 0;
}

/** What is left for the user to do. */
function notes(client: Client, target: ServerTarget | undefined): string[] {
  if (target === undefined) return [];
  if (target.kind === 'stdio') {
    if (!target.clientSecrets || client.name === 'vscode') return [];
    return [`${client.title} takes the DIFY_… variables from the environment that it is started with.`];
  }
  if (!target.authorization || client.name === 'vscode') return [];
  const { headers } = serverEntry(client, target).entry as { headers?: { Authorization?: string } };
  return headers?.Authorization === TOKEN_BLANK
    ? ['Put the bearer token of the bridge (DIFY_BRIDGE_TOKEN) in the place that is marked.']
    : [`${client.title} takes DIFY_BRIDGE_TOKEN from the environment that it is started with.`];
}

/** The file to change; undefined for a client without one. Throws where the client is not on this machine. */
function fileOf(client: Client, options: InstallOptions, machine: Machine): string | undefined {
  if (options.file !== undefined && options.project !== undefined) {
    throw new BridgeError('usage', '--file and --project exclude each other.', { hint: 'Leave one out.' });
  }
  if (options.file !== undefined) return resolve(options.file);
  if (options.project !== undefined) {
    const folder = resolve(options.project === true ? '.' : options.project);
    const file = projectFile(client.name, folder, machine);
    if (file === undefined) {
      throw new BridgeError('usage', `${client.title} has no file for a project.`, {
        hint: 'claude-code, cursor and vscode have one. Leave --project out.',
      });
    }
    if (existsSync(folder)) return file;
    throw new BridgeError('usage', `There is no folder ${folder}.`, { hint: 'Name that of the project.' });
  }
  const place = userPlace(client.name, machine);
  if (place === undefined) {
    if (client.name !== 'json') return undefined;
    throw new BridgeError('usage', 'install json needs the file.', { hint: 'Name it with --file FILE.' });
  }
  if (place.signs.some((sign) => existsSync(sign))) return place.file;
  throw new BridgeError(
    CODE,
    `${client.title} does not seem to be installed: there is no ${place.signs.at(-1)}.`,
    {
      hint: `Install ${client.title} and start it once, or name its file with --file.`,
    },
  );
}

function machineOf({ io }: CommandContext): Machine {
  const home = io.env['HOME'] || io.env['USERPROFILE'] || homedir();
  return { platform: process.platform, env: io.env, home };
}

function paintLine(line: string, output: Output): string {
  const style = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : 'dim';
  return `  ${output.paint(style, line)}`;
}
