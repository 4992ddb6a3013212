import { chmod } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CLIENT_NAMES, CLIENTS, type ClientName } from '../../clients/client.ts';
import { userPlace } from '../../clients/places.ts';
import { configFilePath } from '../../config/places.ts';
import { keyWarnings } from '../../config/warnings.ts';
import type { DifyHttp } from '../../dify/wire/http.ts';
import { BridgeError, type Problem } from '../../model/errors.ts';
import { configText } from '../../setup/config-text.ts';
import { interview } from '../init-questions.ts';
import { gather, hasAccount, missingOf, readEnvFile } from '../init-sources.ts';
import { isOnMachine, likelyClient, machineOf, run as install } from './install.ts';
import { logIn, report } from './login.ts';
import { INTERRUPTED, untilInterrupted } from '../interrupt.ts';
import { canAsk } from '../io.ts';
import { configWords, ownCommand } from '../typed.ts';
import type { Prompter } from '../prompter.ts';
import { readyText, readyTools } from '../ready-tools.ts';
import { readIfThere, replaceFile } from '../replace-file.ts';
import type { CommandContext } from '../session.ts';

interface InitOptions {
  readonly url?: string;
  readonly difyEnv?: string;
  readonly workspace?: string;
  /** False with `--no-files`. */
  readonly files?: boolean;
  readonly client?: ClientName;
  readonly yes?: true;
  readonly force?: true;
}

/** The exit code if the questions ended early, otherwise what prints the result. */
type Outcome = number | { readonly print: (next: string | undefined) => void };

export async function run(context: CommandContext, options: InitOptions): Promise<number> {
  const { io, output } = context;
  const { client } = options;
  if (client !== undefined && output.json) {
    throw new BridgeError('usage', '--client and -o json exclude each other.', {
      hint: `Run install ${client} -o json --yes afterwards.`,
    });
  }
  const asks = options.yes !== true && !output.json && canAsk(io);
  const prompter = asks ? await io.createPrompter() : undefined;
  if (prompter !== undefined) output.continueFrame(prompter.bar);
  const signsIn = await wantsSignIn(context, options, prompter);
  const outcome = signsIn
    ? await withAccount(context, options, prompter)
    : await withKeys(context, options, prompter);
  if (typeof outcome === 'number') return outcome;
  return finish(context, options, prompter, outcome);
}

/** Keys that are given beforehand answer the question. */
async function wantsSignIn(
  { io }: CommandContext,
  options: InitOptions,
  prompter: Prompter | undefined,
): Promise<boolean> {
  const { innerApiKey, apiUrl } = gather(io, {}, undefined);
  if (options.difyEnv !== undefined || innerApiKey !== undefined || apiUrl !== undefined) return false;
  if (prompter === undefined) return hasAccount(io);
  return prompter.select('How do you want to connect?', [
    {
      value: true,
      label: 'Sign in with your Dify account',
      hint: 'recommended; Dify Cloud and self-hosted',
    },
    { value: false, label: 'With keys of a self-hosted Dify', hint: 'for its administrator' },
  ]);
}

async function withAccount(
  context: CommandContext,
  { url, workspace, yes }: InitOptions,
  prompter: Prompter | undefined,
): Promise<Outcome> {
  const done = await logIn(context, { workspace, yes }, { url, prompter });
  if (done === INTERRUPTED) return INTERRUPTED;
  return { print: (next) => report(context, done, next) };
}

async function withKeys(
  context: CommandContext,
  options: InitOptions,
  prompter: Prompter | undefined,
): Promise<Outcome> {
  const { io, output } = context;
  const path = resolve(configFilePath(context.options.config, io.env).path);
  const before = await readIfThere(path, 'config_invalid');
  if (before !== undefined && prompter === undefined && options.force !== true) throw alreadyThere(path);
  const file = options.difyEnv === undefined ? undefined : await readEnvFile(options.difyEnv);
  if (prompter === undefined) {
    const missing = missingOf(gather(io, options, file));
    if (missing.length > 0) throw incomplete(context, missing, file?.remarks ?? []);
  }
  if (prompter !== undefined && before !== undefined && options.force !== true) {
    const question = `${path} already exists. Write a new one and save a copy of the old one?`;
    if (!(await prompter.confirm(question, false))) {
      output.note('Nothing was written.');
      return 0;
    }
  }
  const answers = await untilInterrupted(io, async (signal) => {
    const open: DifyHttp[] = [];
    const { note, error: show } = output;
    const talk = {
      asker: prompter,
      note: prompter === undefined ? () => undefined : note,
      show,
      signal,
      files: options.files !== false,
      gather: (read = file) => gather(io, options, read),
      opened: (http: DifyHttp) => void open.push(http),
    };
    try {
      return await interview(talk, file);
    } finally {
      await Promise.all(open.map((http) => http.close()));
    }
  });
  if (answers === INTERRUPTED) return INTERRUPTED;
  const { backup } = await replaceFile(path, configText(answers), {
    before,
    mode: 0o600,
    folderMode: 0o700,
    code: 'config_invalid',
  });
  // It contains the same keys, even if the old file was readable by others.
  if (backup !== undefined) await chmod(backup, 0o600);
  const ready = await readyTools(context);
  const { workspace, version, apiUrl, innerApiKey, secretKey } = answers;
  const warnings = keyWarnings({ innerApiKey, secretKey });
  const facts = { file: path, backup: backup ?? null, apiUrl, version: version ?? null, workspace, warnings };
  const counts = { tools: ready?.tools ?? null, unusable: ready?.unusable ?? null };
  const print = (next: string | undefined): void =>
    output.data({ ...facts, ...counts, next }, () =>
      output.lines([
        ...warnings.map((one) => `${output.paint('yellow', 'warning:')} ${one.path}: ${one.message}.`),
        backup && `The previous file is saved as ${backup}.`,
        `Wrote ${path}, readable only by you.`,
        readyText(ready),
        next && `Next: ${next}`,
      ]),
    );
  return { print };
}

/** Prints the result and the next command, and adds the bridge to the client that the person chooses. */
async function finish(
  context: CommandContext,
  { client: named }: InitOptions,
  prompter: Prompter | undefined,
  { print }: Exclude<Outcome, number>,
): Promise<number> {
  const { io, output } = context;
  const client =
    named ??
    (await prompter
      ?.select('Which client will use the bridge?', clientChoices(context))
      .catch((error: unknown) => {
        // Everything is stored, so leaving the question chooses no client.
        if (error instanceof BridgeError && error.code === 'cancelled') return undefined;
        throw error;
      }));
  const words = client === 'http' ? 'serve --http' : `install ${client ?? likelyClient(context)}`;
  const next = ownCommand(io, `${words}${configWords(context)}`);
  if (client === undefined || client === 'http') {
    print(next);
    return 0;
  }
  print(undefined);
  if (prompter === undefined) return install(context, { yes: true }, client);
  // What is stored so far stays, and the command that failed is the next one.
  const later = `Later: ${next}`;
  return install(context, { later }, client).catch((error: unknown) => {
    if (!(error instanceof BridgeError)) throw error;
    output.error(error);
    output.note(later);
    return error.code === 'cancelled' ? 0 : error.rule.exit;
  });
}

/** Returns the clients to choose from, those on this machine first. */
function clientChoices(context: CommandContext) {
  const machine = machineOf(context);
  const clients = CLIENT_NAMES.filter((name) => name !== 'json').map((value) => {
    const isMissing = userPlace(value, machine) !== undefined && !isOnMachine(value, machine);
    return { value, label: CLIENTS[value].title, ...(isMissing && { hint: 'not found on this machine' }) };
  });
  return [
    ...clients.filter(({ hint }) => hint === undefined),
    ...clients.filter(({ hint }) => hint !== undefined),
    { value: 'http' as const, label: 'Another, over HTTP', hint: 'serve --http' },
    { value: undefined, label: 'None now' },
  ];
}

function alreadyThere(path: string): BridgeError {
  return new BridgeError('usage', `${path} already exists.`, {
    hint: 'Add --force to write a new one and save a copy of the old one, or name another with --config.',
  });
}

function incomplete(
  { io }: CommandContext,
  missing: readonly Problem[],
  remarks: readonly Problem[],
): BridgeError {
  return new BridgeError('usage', 'Without a terminal, init needs every value as an option or a variable.', {
    problems: [...missing, ...remarks],
    hint: `An account needs no keys: ${ownCommand(io, 'login --help')}. With keys, Dify's .env has most of it: --dify-env docker/.env. Secrets go into the environment or, as …_FILE, into files; never onto the command line.`,
  });
}
