import { basename, relative } from 'node:path';
import type { CliIo } from './io.ts';

/** The program's name. */
export const NAME = 'dify-mcp-bridge';
const COMMAND = new RegExp(
  `(?<!npx |[\\w@/.-])${NAME}(?= (?:login|logout|whoami|init|install|serve|reload|keys|tools|call|doctor|demo|manifest|config|version|help|--help)\\b)`,
  'g',
);

/** Returns whether npx has fetched a program into its temporary folder. */
export function isFetched(script: string): boolean {
  return /[/\\]_npx[/\\]/.test(script);
}

/** Returns what to type to run the program: its name, with npx if npx runs it, or Node.js and the script. */
export function programName({ program: { script } }: Pick<CliIo, 'program'>): string {
  // Neither is on the PATH.
  if (isFetched(script) || /[/\\]node_modules[/\\]\.bin[/\\]/.test(script)) return `npx ${NAME}`;
  if (basename(script).startsWith(NAME)) return NAME;
  const here = relative(process.cwd(), script);
  return `node ${here.startsWith('..') ? script : here}`;
}

/** Returns a text with its commands as they are to be typed. */
export function asTyped(io: Pick<CliIo, 'program'>, text: string): string {
  return text.replaceAll(COMMAND, () => programName(io));
}

/** Returns the option that names the configuration file, if this run has it. */
export function configWords({ options }: { readonly options: { readonly config?: string } }): string {
  return options.config === undefined ? '' : ` --config ${JSON.stringify(options.config)}`;
}

/** Returns a command of this program as the person has to type it. */
export function ownCommand(io: Pick<CliIo, 'program'>, words: string): string {
  return `${programName(io)} ${words}`;
}
