import type { CommandNode, OptionNode } from './command-tree.ts';

/** The branches of a `case` of bash and zsh for the values of a command's options; `complete` writes one's body. */
export function valueCases(
  { path, options }: CommandNode,
  complete: (option: OptionNode) => string,
): string[] {
  return options.flatMap((option) => {
    if (option.value === 'none') return [];
    const names = [option.short, option.long].filter((name) => name !== undefined);
    return [`    ${names.map((name) => `"${path} ${name}"`).join('|')}) ${complete(option)} ;;`];
  });
}
