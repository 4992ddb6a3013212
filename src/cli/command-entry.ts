import type { CommandContext } from './session.ts';

/** A module in `commands/`. `run` gets the words after the command's name, and resolves with the exit code. */
interface CommandModule {
  readonly run: (context: CommandContext, options: never, ...words: never[]) => Promise<number>;
}

/** An option. With `repeated`, the command gets a list of values. */
export type CommandOption = readonly [
  flags: string,
  description: string,
  values?: readonly string[] | 'repeated',
];

export interface CommandEntry {
  /** The name and the arguments, such as `show <name>`. */
  readonly usage: string;
  readonly description: string;
  readonly examples: readonly string[];
  /** True if the command also runs against the sandbox, and on one workspace of the configuration. */
  readonly sandbox?: true;
  readonly argument?: readonly [name: string, description: string, values: readonly string[]];
  readonly options?: readonly CommandOption[];
  /** True if the command itself rejects words after its arguments, with a specific message. */
  readonly excessWords?: true;
  /** Loads the command. Help and version load no command. */
  readonly load: () => Promise<CommandModule>;
}

export interface CommandGroup {
  readonly name: string;
  readonly description: string;
  readonly example: string;
  readonly commands: readonly CommandEntry[];
}
