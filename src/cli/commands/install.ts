import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { type Client, CLIENT_NAMES, CLIENTS, type ClientName } from '../../clients/client.ts';
import { type EditedFile, newFileText, withEntry, withoutEntry } from '../../clients/edit.ts';
import { lineDiff } from '../../clients/line-diff.ts';
import { type Machine, projectFile, userPlace } from '../../clients/places.ts';
import { serverEntry, type ServerTarget, TOKEN_BLANK } from '../../clients/server-entry.ts';
import { BridgeError } from '../../model/errors.ts';
import { type ServerOptions, serverTarget } from '../client-server.ts';
import type { Output } from '../output.ts';
import { canAsk } from '../io.ts';
import { readIfThere, replaceFile } from '../replace-file.ts';
import type { CommandContext } from '../session.ts';

interface InstallOptions extends ServerOptions {
  readonly name?: string | undefined;
  readonly file?: string | undefined;
  readonly remove?: true | undefined;
  readonly dryRun?: true | undefined;
  readonly yes?: true | undefined;
  /** Of `init`: what to do after a no. */
  readonly later?: string | undefined;
}

const CODE = 'client_config_invalid';

export async function run(
  context: CommandContext,
  options: InstallOptions,
  clientName: ClientName,
): Promise<number> {
  const client = CLIENTS[clientName];
  const name = options.name ?? 'dify';
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(name)) {
    throw new BridgeError('usage', '--name takes at most 32 letters, digits, - and _.', {
      hint: 'Clients prefix every tool name with it.',
    });
  }
  const file = fileOf(client, options, machineOf(context));
  const target = options.remove === true ? undefined : await serverTarget(context, client, options);
  if (file === undefined) return print(context.output, client, name, target);

  const before = await readIfThere(file, CODE);
  const present = { client, file, text: before ?? '', name };
  const edited =
    target === undefined ? withoutEntry(present) : withEntry(present, serverEntry(client, target));
  return apply(context, { client, name, file, before, edited, target, options });
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
    const has = target === undefined ? `has no server called ${name}` : `has ${name} as requested`;
    output.data({ ...result, written: false }, () => output.prose(`Nothing to do: ${file} ${has}.`));
    return 0;
  }
  const preview = (): string => [`${file}:`, ...diff.map((line) => paintLine(line, output))].join('\n');
  if (options.dryRun === true) {
    output.data({ ...result, written: false }, () => `${preview()}\nNothing was written (--dry-run).`);
    return 0;
  }
  if (options.yes !== true) {
    if (output.json || !canAsk(io)) {
      throw new BridgeError('usage', 'Without a terminal, install requires --yes to write.', {
        hint: 'Use --dry-run to see what it would write.',
      });
    }
    output.note(preview());
    const prompter = await io.createPrompter();
    if (!(await prompter.confirm('Write this?', true))) {
      output.note(['Nothing was written.', options.later].filter((part) => part !== undefined).join(' '));
      return 0;
    }
  }
  const { backup } = await replaceFile(file, edited.text, { before, code: CODE });
  output.data({ ...result, written: true, backup: backup ?? null }, () => {
    const kept = backup === undefined ? [] : [`The previous file is saved as ${backup}.`];
    const shown = options.yes === true ? [preview()] : [];
    const next = target === undefined ? [] : [client.afterwards];
    return [...shown, doneText(planned), ...kept, ...next].join('\n');
  });
  for (const note of notes(client, target)) output.note(note);
  return 0;
}

function doneText({ client, name, file, target }: Planned): string {
  return target === undefined
    ? `${name} was removed from ${file}.`
    : `${client.title[0]?.toUpperCase()}${client.title.slice(1)} now has the bridge as ${name} (${file}).`;
}

/** Prints the text to paste, for clients without a file. */
function print(output: Output, client: Client, name: string, target: ServerTarget | undefined): number {
  if (target === undefined) {
    const message = `${client.title} stores its servers where no other program can change them.`;
    throw new BridgeError('usage', message, {
      hint: `Remove ${name} in ${client.title}, under Settings, MCP.`,
    });
  }
  const text = newFileText(client, name, target);
  output.raw(text);
  for (const note of [client.afterwards, ...notes(client, target)]) output.note(note);
  return 0;
}

function notes(client: Client, target: ServerTarget | undefined): string[] {
  if (target === undefined) return [];
  if (target.kind === 'stdio') {
    if (!target.clientSecrets || client.name === 'vscode') return [];
    return [`${client.title} takes the DIFY_… variables from the environment that it is started with.`];
  }
  if (!target.authorization || client.name === 'vscode') return [];
  const { headers } = serverEntry(client, target).entry as { headers?: { Authorization?: string } };
  return headers?.Authorization === TOKEN_BLANK
    ? ['Put the bearer token of the bridge (DIFY_BRIDGE_TOKEN) in the marked place.']
    : [`${client.title} takes DIFY_BRIDGE_TOKEN from the environment that it is started with.`];
}

/** Returns the file to change; undefined for a client without one. Throws if the client is missing. */
function fileOf(client: Client, options: InstallOptions, machine: Machine): string | undefined {
  if (options.file !== undefined && options.project !== undefined) {
    throw new BridgeError('usage', '--file and --project exclude each other.', { hint: 'Omit one of them.' });
  }
  if (options.file !== undefined) return resolve(options.file);
  if (options.project !== undefined) {
    const folder = resolve(options.project === true ? '.' : options.project);
    const file = projectFile(client.name, folder, machine);
    if (file === undefined) {
      throw new BridgeError('usage', `${client.title} has no file for a project.`, {
        hint: 'claude-code, cursor and vscode have one. Omit --project.',
      });
    }
    if (existsSync(folder)) return file;
    throw new BridgeError('usage', `The folder ${folder} does not exist.`, {
      hint: 'Name the folder of the project.',
    });
  }
  const place = userPlace(client.name, machine);
  if (place === undefined) {
    if (client.name !== 'json') return undefined;
    throw new BridgeError('usage', 'install json needs the file.', { hint: 'Name it with --file FILE.' });
  }
  if (isOnMachine(client.name, machine)) return place.file;
  const message = `${client.title} does not seem to be installed: ${place.signs.at(-1)} does not exist.`;
  throw new BridgeError(CODE, message, {
    hint: `Install ${client.title} and start it once, or name its file with --file.`,
  });
}

/** Returns whether a client seems to be installed. */
export function isOnMachine(name: ClientName, machine: Machine): boolean {
  return userPlace(name, machine)?.signs.some((sign) => existsSync(sign)) === true;
}

/** Returns a client on this machine, or else the one that most people have. */
export function likelyClient(context: CommandContext): ClientName {
  const machine = machineOf(context);
  return CLIENT_NAMES.find((name) => isOnMachine(name, machine)) ?? 'claude-desktop';
}

/** Returns the machine of the person, whose clients have their files there. */
export function machineOf({ io }: CommandContext): Machine {
  const home = io.env['HOME'] || io.env['USERPROFILE'] || homedir();
  return { platform: process.platform, env: io.env, home };
}

function paintLine(line: string, output: Output): string {
  const style = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : 'dim';
  return `  ${output.paint(style, line)}`;
}
