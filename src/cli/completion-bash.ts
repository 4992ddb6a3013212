import type { CommandNode, OptionNode } from './command-tree.ts';
import { valueCases } from './completion-cases.ts';

/** The completion script for bash 3.2 and later, which macOS still has. */
export function bashScript(tree: readonly CommandNode[]): string {
  const paths = tree.map(({ path }) => path).filter((path) => path !== '');
  return `# bash completion for dify-mcp-bridge. Load it with: source <(dify-mcp-bridge completion bash)
_dify_mcp_bridge() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local at="" words="" i IFS=$' \\t\\n'
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/\${COMP_WORDS[i]}" in
      ${paths.join('|')}) at="$at/\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at $previous" in
${tree.flatMap((node) => valueCases(node, completeValue)).join('\n')}
  esac
  case "$at" in
${tree.map((node) => `    "${node.path}") words="$words ${words(node).join(' ')}" ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _dify_mcp_bridge dify-mcp-bridge
`;
}

function words({ commands, options, choices }: CommandNode): string[] {
  const flags = options.flatMap(({ short, long }) => (short === undefined ? [long] : [short, long]));
  return [...commands.map(({ name }) => name), ...choices, ...flags];
}

function completeValue({ value, choices, optional }: OptionNode): string {
  if (optional) return `words="${choices.join(' ')}"`;
  switch (value) {
    case 'choice':
      return `COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$current")); return`;
    case 'file':
      return `compopt -o filenames 2>/dev/null; IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$current")); return`;
    case 'folder':
      return `compopt -o filenames 2>/dev/null; IFS=$'\\n'; COMPREPLY=($(compgen -d -- "$current")); return`;
    default:
      return 'return';
  }
}
