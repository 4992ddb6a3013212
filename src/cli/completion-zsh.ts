import type { CommandNode, OptionNode } from './command-tree.ts';
import { valueCases } from './completion-cases.ts';

/** The completion script for zsh: to be sourced, or a file `_dify-mcp-bridge` in a folder of `fpath`. */
export function zshScript(tree: readonly CommandNode[]): string {
  const paths = tree.map(({ path }) => path).filter((path) => path !== '');
  return `#compdef dify-mcp-bridge
# zsh completion for dify-mcp-bridge. Load it with: source <(dify-mcp-bridge completion zsh)
_dify_mcp_bridge() {
  local at="" i
  local -a entries
  for ((i = 2; i < CURRENT; i++)); do
    case "$at/\${words[i]}" in
      ${paths.join('|')}) at="$at/\${words[i]}" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${tree.flatMap((node) => valueCases(node, completeValue)).join('\n')}
  esac
  case "$at" in
${tree.map(entryCase).join('\n')}
  esac
  _describe 'dify-mcp-bridge' entries
}
if [ "\${funcstack[1]}" = "_dify-mcp-bridge" ]; then
  _dify_mcp_bridge "$@"
else
  compdef _dify_mcp_bridge dify-mcp-bridge
fi
`;
}

function entryCase({ path, commands, options, choices }: CommandNode): string {
  const entries = [
    ...commands.map(({ name, description }) => `${name}:${description}`),
    ...choices,
    ...options.flatMap(({ short, long, description }) =>
      [short, long].filter((name) => name !== undefined).map((name) => `${name}:${description}`),
    ),
  ];
  return `    "${path}")\n      entries+=(\n${entries.map((text) => `        ${quoted(text)}`).join('\n')}\n      ) ;;`;
}

function completeValue({ value, choices, optional }: OptionNode): string {
  if (optional) return `entries=(${choices.map(quoted).join(' ')})`;
  switch (value) {
    case 'choice':
      return `compadd -- ${choices.map(quoted).join(' ')}; return`;
    case 'file':
      return '_files; return';
    case 'folder':
      return '_files -/; return';
    default:
      return 'return';
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
