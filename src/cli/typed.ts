import { basename } from 'node:path';
import type { CliIo } from './io.ts';

/** The program's name. */
export const NAME = 'dify-mcp-bridge';
const COMMAND = new RegExp(
  `(?<!npx |[\\w@/.-])${NAME}(?= (?:login|logout|whoami|init|install|serve|reload|tools|call|doctor|demo|manifest|config|version|help|--help)\\b)`,
  'g',
);

/** Returns whether npx has fetched a program into its temporary folder. */
export function isFetched(script: string): boolean {
  return /[/\\]_npx[/\\]/.test(script);
}

/** Returns what to type to run the program: with npx if npx runs it, because it is not on the PATH then. */
export function programName({ program: { script } }: Pick<CliIo, 'program'>): string {
  return isFetched(script) || /[/\\]node_modules[/\\]\.bin[/\\]/.test(script) ? `npx ${NAME}` : NAME;
}

/** Returns a text with its commands as they are to be typed. */
export function asTyped(io: Pick<CliIo, 'program'>, text: string): string {
  return text.replaceAll(COMMAND, programName(io));
}

/** Returns the option that names the configuration file, if this run has it. */
export function configWords({ options }: { readonly options: { readonly config?: string } }): string {
  return options.config === undefined ? '' : ` --config ${JSON.stringify(options.config)}`;
}

/** Returns a command of this program as the person has to type it. */
export function ownCommand({ program: { script } }: Pick<CliIo, 'program'>, words: string): string {
  if (isFetched(script)) return `npx ${NAME} ${words}`;
  // Installed, the program runs by its name.
  return basename(script).startsWith(NAME) ? `${NAME} ${words}` : `node ${script} ${words}`;
}
