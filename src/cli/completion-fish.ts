import type { CommandNode, OptionNode } from './command-tree.ts';

const COMPLETE = 'complete -c dify-mcp-bridge';

/** The completion script for fish. */
export function fishScript(tree: readonly CommandNode[]): string {
  const paths = tree.map(({ path }) => path).filter((path) => path !== '');
  return `# fish completion for dify-mcp-bridge. Load it with: dify-mcp-bridge completion fish | source
function __dify_mcp_bridge_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at/$word"
      case ${paths.join(' ')}
        set at "$at/$word"
    end
  end
  test "$at" = "$argv[1]"
end
${COMPLETE} -f
${tree.flatMap(lines).join('\n')}
`;
}

function lines({ path, commands, options, choices }: CommandNode): string[] {
  const here = `${COMPLETE} -n '__dify_mcp_bridge_at "${path}"'`;
  return [
    ...commands.map(({ name, description }) => `${here} -a ${name} -d ${quoted(description)}`),
    ...choices.map((choice) => `${here} -a ${quoted(choice)}`),
    ...options.map((option) => `${here} ${flags(option)}${value(option)} -d ${quoted(option.description)}`),
  ];
}

function flags({ short, long }: OptionNode): string {
  const name = `-l ${long.replace(/^--/, '')}`;
  return short === undefined ? name : `-s ${short.replace(/^-/, '')} ${name}`;
}

function value({ value, choices, optional }: OptionNode): string {
  if (value === 'none') return '';
  if (value === 'file') return ' -r -F';
  if (value === 'folder') return ` -x -a '(__fish_complete_directories)'`;
  const listed = choices.length === 0 ? '' : ` -a ${quoted(choices.join(' '))}`;
  // An option that may stand alone must not swallow the next word.
  return optional ? listed : ` -x${listed}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", `\\'`)}'`;
}
