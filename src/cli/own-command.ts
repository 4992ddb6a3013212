import { basename } from 'node:path';
import type { CliIo } from './io.ts';
import { isFetched, NAME } from './typed.ts';

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
