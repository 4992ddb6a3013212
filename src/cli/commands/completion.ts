import { bashScript } from '../completion-bash.ts';
import { fishScript } from '../completion-fish.ts';
import { zshScript } from '../completion-zsh.ts';
import type { CommandNode } from '../command-tree.ts';
import type { CommandContext } from '../session.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** A shell that there are completions for. */
export type Shell = keyof typeof SCRIPTS;

/** `completion SHELL`: prints the script that completes this program's commands, options and choices. */
export async function printCompletion(
  { output }: CommandContext,
  tree: readonly CommandNode[],
  shell: Shell,
): Promise<number> {
  const script = SCRIPTS[shell](tree);
  output.data({ shell, script }, () => script);
  return 0;
}
