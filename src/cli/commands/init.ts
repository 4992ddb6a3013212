import { chmod } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CLIENT_NAMES, CLIENTS, type ClientName } from '../../clients/client.ts';
import { configFilePath } from '../../config/places.ts';
import { difyWarnings } from '../../config/warnings.ts';
import type { DifyHttp } from '../../dify/wire/http.ts';
import { BridgeError, type Problem } from '../../model/errors.ts';
import { type Answers, configText } from '../../setup/config-text.ts';
import type { DifyEnvironment } from '../../setup/dify-env-file.ts';
import { interview } from '../init-questions.ts';
import { gather, missingOf, readEnvFile } from '../init-sources.ts';
import { run as install } from './install.ts';
import { INTERRUPTED, untilInterrupted } from '../interrupt.ts';
import { canAsk } from '../io.ts';
import type { Prompter } from '../prompter.ts';
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

export async function run(context: CommandContext, options: InitOptions): Promise<number> {
  const { io, output } = context;
  const path = resolve(configFilePath(context.options.config, io.env).path);
  const { client } = options;
  if (client !== undefined && output.json) {
    throw new BridgeError('usage', '--client and -o json exclude each other.', {
      hint: `Run install ${client} -o json --yes afterwards.`,
    });
  }
  const asks = options.yes !== true && !output.json && canAsk(io);
  const before = await readIfThere(path, 'config_invalid');
  if (before !== undefined && !asks && options.force !== true) throw alreadyThere(path);

  const file = options.difyEnv === undefined ? undefined : await readEnvFile(options.difyEnv);
  if (!asks) {
    const missing = missingOf(gather(io, options, file));
    if (missing.length > 0) throw incomplete(missing, file?.remarks ?? []);
  }
  const prompter = asks ? await io.createPrompter() : undefined;
  if (prompter !== undefined && before !== undefined && options.force !== true) {
    const question = `${path} already exists. Write a new one and save a copy of the old one?`;
    if (!(await prompter.confirm(question, false))) {
      output.note('Nothing was written.');
      return 0;
    }
  }
  const answers = await ask(context, options, prompter, file);
  if (answers === INTERRUPTED) return INTERRUPTED;
  const { backup } = await replaceFile(path, configText(answers), {
    before,
    mode: 0o600,
    folderMode: 0o700,
    code: 'config_invalid',
  });
  // It contains the same keys, even if the old file was readable by others.
  if (backup !== undefined) await chmod(backup, 0o600);
  const { workspace, version, apiUrl } = answers;
  const warnings = difyWarnings({ innerApiKey: answers.innerApiKey, secretKey: answers.secretKey });
  const about = { file: path, backup: backup ?? null, apiUrl, version: version ?? null, workspace, warnings };
  output.data(about, () =>
    [
      ...warnings.map((one) => `${output.paint('yellow', 'warning:')} ${one.path}: ${one.message}.`),
      ...(backup === undefined ? [] : [`The previous file is saved as ${backup}.`]),
      `Wrote ${path}, readable only by you.`,
    ]
      .map(output.prose)
      .join('\n'),
  );
  return next(context, client, prompter, path);
}

function ask(
  { io, output }: CommandContext,
  options: InitOptions,
  prompter: Prompter | undefined,
  file: DifyEnvironment | undefined,
): Promise<Answers | typeof INTERRUPTED> {
  return untilInterrupted(io, async (signal) => {
    const open: DifyHttp[] = [];
    try {
      return await interview(
        {
          prompter,
          output,
          signal,
          files: options.files !== false,
          gather: (read = file) => gather(io, options, read),
          opened: (http) => void open.push(http),
        },
        file,
      );
    } finally {
      await Promise.all(open.map((http) => http.close()));
    }
  });
}

/** Adds the bridge to the chosen client, or prints the next step. */
async function next(
  context: CommandContext,
  named: ClientName | undefined,
  prompter: Prompter | undefined,
  path: string,
): Promise<number> {
  const client = named ?? (await prompter?.select('5/5  Which client will use the bridge?', CLIENT_CHOICES));
  const withConfig = { ...context, options: { ...context.options, config: path } };
  const { output } = context;
  const config = `--config ${JSON.stringify(path)}`;
  if (client !== undefined && client !== 'http') {
    if (prompter === undefined) return install(withConfig, { yes: true }, client);
    if (await prompter.confirm(`Run this now? install ${client}`, true))
      return install(withConfig, {}, client);
    output.note(`Later: dify-mcp-bridge install ${client} ${config}`);
    return 0;
  }
  if (client === 'http') output.note(`To serve over HTTP: dify-mcp-bridge serve --http ${config}`);
  if (prompter !== undefined && (await prompter.confirm('Run this now? doctor', true))) {
    return (await import('./doctor.ts')).run(withConfig);
  }
  output.note(`Next: dify-mcp-bridge doctor ${config}, then dify-mcp-bridge install CLIENT ${config}.`);
  return 0;
}

const CLIENT_CHOICES = [
  ...CLIENT_NAMES.filter((name) => name !== 'json').map((value) => ({ value, label: CLIENTS[value].title })),
  { value: 'http' as const, label: 'Another, over HTTP', hint: 'serve --http' },
];

function alreadyThere(path: string): BridgeError {
  return new BridgeError('usage', `${path} already exists.`, {
    hint: 'Add --force to write a new one and save a copy of the old one, or name another with --config.',
  });
}

function incomplete(missing: readonly Problem[], remarks: readonly Problem[]): BridgeError {
  return new BridgeError('usage', 'Without a terminal, init needs every value as an option or a variable.', {
    problems: [...missing, ...remarks],
    hint: "Dify's .env has most of it: --dify-env docker/.env. Secrets go into the environment or, as …_FILE, into files; never onto the command line.",
  });
}
