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
