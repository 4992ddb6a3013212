import type { Argument, Command, Option } from 'commander';

/** What follows an option or stands in the place of an argument. */
export type ValueKind = 'none' | 'choice' | 'file' | 'folder' | 'other';

/** An option of a command. */
export interface OptionNode {
  /** `-o`, where there is one. */
  readonly short: string | undefined;
  /** `--output`. */
  readonly long: string;
  readonly description: string;
  readonly value: ValueKind;
  /** Whether the option may stand alone all the same. */
  readonly optional: boolean;
  readonly choices: readonly string[];
}

/** A command with all that may follow it. */
export interface CommandNode {
  /** `/tools/list`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  /** Its own options and those of the commands above. */
  readonly options: readonly OptionNode[];
  /** What its argument may be, where that is known. */
  readonly choices: readonly string[];
}

/** Every command of the program, the program first. */
export function commandTree(program: Command): readonly CommandNode[] {
  return describe(program, '', []);
}

function describe(command: Command, path: string, inherited: readonly OptionNode[]): CommandNode[] {
  const help = command.createHelp();
  const shown = [...inherited, ...help.visibleOptions(command).map(optionNode)];
  const options = shown.filter(
    ({ long }, index) => shown.findIndex((other) => other.long === long) === index,
  );
  const commands = help.visibleCommands(command);
  const own: CommandNode = {
    path,
    commands: commands.map((sub) => ({ name: sub.name(), description: sub.description() })),
    options,
    choices: command.registeredArguments.flatMap((argument: Argument) => argument.argChoices ?? []),
  };
  const registered = commands.filter((sub) => command.commands.includes(sub));
  return [own, ...registered.flatMap((sub) => describe(sub, `${path}/${sub.name()}`, options))];
}

function optionNode(option: Option): OptionNode {
  const takesValue = option.required || option.optional;
  return {
    short: option.short,
    long: option.long ?? option.flags,
    description: option.description,
    value: takesValue ? valueKind(option) : 'none',
    optional: option.optional,
    choices: option.argChoices ?? [],
  };
}

function valueKind({ flags, argChoices }: Option): ValueKind {
  if (argChoices !== undefined) return 'choice';
  if (/[<[]file[>\]]/.test(flags)) return 'file';
  return /[<[](dir|folder)[>\]]/.test(flags) ? 'folder' : 'other';
}
