import type { Command } from 'commander';
import { OTHER_VARIABLES } from '../../config/environment.ts';
import { settingsTable } from '../../config/settings.ts';
import { BridgeError, ERROR_RULES } from '../../model/errors.ts';
import { closest } from '../../model/closest.ts';
import { helpWidthOf, table, wrap } from '../layout.ts';
import { count } from '../output.ts';
import type { CommandContext } from '../session.ts';
import { asTyped, NAME, programName } from '../typed.ts';

/** A help text that belongs to no command. */
interface Topic {
  readonly value: () => unknown;
  readonly render: (width: number) => string;
}

const TOPICS: Readonly<Record<string, Topic>> = {
  environment: { value: environment, render: environmentText },
  'exit-codes': { value: () => EXIT_CODES, render: exitCodesText },
  troubleshooting: { value: () => ERROR_RULES, render: troubleshootingText },
};

export async function run(
  { io, output, program }: CommandContext,
  _options: unknown,
  ...words: string[]
): Promise<number> {
  const topic = words.length === 1 ? TOPICS[words[0] ?? ''] : undefined;
  if (topic !== undefined) {
    // What npx adds to a command must fit too.
    const width = helpWidthOf(io.stdout) - programName(io).length + NAME.length;
    output.data(topic.value(), () => asTyped(io, topic.render(width)));
    return 0;
  }
  let command = program;
  for (const word of words) {
    const sub = command.commands.find((one) => one.name() === word);
    if (sub === undefined) throw unknown(command, program, word);
    command = sub;
  }
  command.outputHelp();
  return 0;
}

function unknown(command: Command, program: Command, word: string): BridgeError {
  const known = command.commands.map((one) => one.name());
  const close = closest(word, command === program ? [...known, ...Object.keys(TOPICS)] : known);
  return new BridgeError('usage', `Help has no topic ${JSON.stringify(word)}.`, {
    hint:
      close === undefined
        ? `Topics: ${known.join(', ')}${command === program ? `; and on ${Object.keys(TOPICS).join(', ')}` : ''}.`
        : `Did you mean ${close}?`,
  });
}

function environment() {
  const settings = settingsTable().flatMap(({ env, path, default: value, secret, description }) =>
    env === undefined
      ? []
      : [{ variable: env, setting: path, default: value, secret: secret === true, description }],
  );
  return { settings, others: [...OTHER_VARIABLES, 'NO_COLOR', 'XDG_CONFIG_HOME', 'NODE_EXTRA_CA_CERTS'] };
}

function environmentText(width: number): string {
  const { settings } = environment();
  const variables = settings.map(({ variable, setting, default: value, secret, description }) =>
    [
      `${variable}${secret ? `, or ${variable}_FILE with the path of a file` : ''}`,
      `      ${description}`,
      `      Setting ${setting}${value === undefined ? '' : `, by default ${JSON.stringify(value)}`}.`,
    ].join('\n'),
  );
  const text = `Example:
  DIFY_API_URL=http://api:5001 dify-mcp-bridge doctor

Flags override the environment, and the environment overrides the configuration file. An empty variable \
counts as unset, and so does a placeholder such as \${DIFY_API_URL}. Separate the items of a list with \
commas. "config show" prints the values in force and their sources.

${count(variables.length, 'setting')} can be set by a variable:

${variables.join('\n\n')}

Others:
`;
  return `${wrap(text, width)}\n${table(
    [
      ['DIFY_BRIDGE_CONFIG', 'the configuration file, as with --config'],
      ['XDG_CONFIG_HOME', 'parent folder of dify-mcp-bridge/config.yaml; ~/.config when unset'],
      ['NO_COLOR', 'no colours on a terminal'],
      ['NODE_EXTRA_CA_CERTS', 'additional certificate authorities for https; read by Node.js itself'],
    ],
    { width },
  )}`;
}

/** The exit codes; the table of errors gives the codes of errors. */
const EXIT_CODES = [
  { code: 0, meaning: 'success', errors: [] },
  {
    code: 1,
    meaning: 'a tool or Dify failed, or a difference was found (manifest diff)',
    errors: errorsOf(1),
  },
  {
    code: 2,
    meaning: 'the command line or the configuration is invalid; nothing was done',
    errors: errorsOf(2),
  },
  { code: 4, meaning: 'a key, a login or a credential is not accepted', errors: errorsOf(4) },
  { code: 130, meaning: 'interrupted by Ctrl+C or SIGTERM', errors: errorsOf(130) },
];

function errorsOf(exit: number): string[] {
  return Object.entries(ERROR_RULES).flatMap(([code, rule]) => (rule.exit === exit ? [code] : []));
}

function exitCodesText(width: number): string {
  const codes = EXIT_CODES.map(({ code, meaning, errors }) =>
    [
      `${String(code).padStart(3)}  ${meaning}`,
      ...(errors.length === 0 ? [] : [`     Errors: ${errors.join(', ')}`]),
    ].join('\n'),
  );
  const text = `Example:
  dify-mcp-bridge doctor || echo "doctor exited with $?"

${codes.join('\n\n')}

doctor exits with the highest code of its failed checks; serve exits with 0 after a signal to stop.`;
  return wrap(text, width);
}

function troubleshootingText(width: number): string {
  const errors = Object.entries(ERROR_RULES).map(
    ([code, { meaning, exit }]) => `${code} (exit code ${exit})\n  ${meaning}`,
  );
  const text = `Example:
  dify-mcp-bridge doctor

Start with doctor: it checks each step of the way to Dify and says how to fix failures. Every error has \
one of these codes, in the log and with -o json.

${errors.join('\n\n')}`;
  return wrap(text, width);
}
