import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { CliIo } from './io.ts';

const NAME = 'dify-mcp-bridge';

/** Returns whether npx fetched the running program, into a folder that does not last. */
export function isFetched({ program }: Pick<CliIo, 'program'>): boolean {
  return /[/\\]_npx[/\\]/.test(realpathSync(program.script));
}

/** Returns the option that names the configuration file, if this run has it. */
export function configWords({ options }: { readonly options: { readonly config?: string } }): string {
  return options.config === undefined ? '' : ` --config ${JSON.stringify(options.config)}`;
}

/** Returns a command of this program as the person has to type it. */
export function ownCommand(io: Pick<CliIo, 'program'>, words: string): string {
  if (isFetched(io)) return `npx ${NAME} ${words}`;
  const { script } = io.program;
  // Installed, the program runs by its name.
  return basename(script).startsWith(NAME) ? `${NAME} ${words}` : `node ${script} ${words}`;
}
