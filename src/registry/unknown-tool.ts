import { cutText } from '../model/cut-text.ts';
import { BridgeError } from '../model/errors.ts';
import type { Registry, WithheldTool } from '../model/registry.ts';
import { identityOf, type ToolRef } from '../model/tool.ts';
import { similarNames } from './explain.ts';

/** Where a client finds the tools that it may call. */
export interface ToolDirectory {
  /** The tool or method that returns the definition of a tool. */
  readonly definition: string;
  /** A sentence that says how to find other names. */
  readonly others: string;
}

const TOOLS_LIST: ToolDirectory = {
  definition: 'tools/list',
  others: 'tools/list returns the names of all tools.',
};

/** Returns why no tool of that name can be called. `previous` are tools by the names that they had before. */
export function unknownTool(
  registry: Registry,
  name: string,
  previous: ReadonlyMap<string, ToolRef> = new Map(),
  directory: ToolDirectory = TOOLS_LIST,
): BridgeError {
  const notPublished = ({ detail }: WithheldTool): BridgeError => {
    // The lines after the first say how to configure the bridge.
    const [reason = ''] = detail.split('\n', 1);
    return new BridgeError('tool_not_found', `The tool ${name} exists in Dify but is not published.`, {
      hint: `Do not retry; tell the user why, which the operator of the bridge can change: ${reason}`,
    });
  };
  const withheld = registry.withheld.find((tool) => tool.name === name);
  if (withheld !== undefined) return notPublished(withheld);
  const ref = previous.get(name);
  const isIt = (tool: { readonly ref: ToolRef }): boolean =>
    ref !== undefined && identityOf(tool.ref) === identityOf(ref);
  const replacement = registry.tools.find(isIt)?.name;
  if (replacement !== undefined) {
    return new BridgeError('tool_not_found', `The tool ${name} is now called ${replacement}.`, {
      hint: `Call ${replacement}. Its arguments may have changed too: see ${directory.definition}.`,
    });
  }
  const namesake = registry.withheld.find(isIt);
  if (namesake !== undefined) return notPublished(namesake);
  const alias = registry.notes.find(
    (note) => note.name === name && note.setting?.endsWith(`aliases.${name}`),
  );
  if (alias !== undefined) {
    return new BridgeError(
      'tool_not_found',
      `${name} is an old name of a tool that is no longer published.`,
      {
        hint: `${alias.message} ${directory.others}`,
      },
    );
  }
  const published = similarNames(registry, name).filter((similar) => registry.get(similar) !== undefined);
  const similar = published.length === 0 ? '' : `Similar names: ${published.join(', ')}. `;
  const hint = similar + directory.others;
  const message =
    ref === undefined
      ? `There is no tool named ${JSON.stringify(cutText(name, 128))}.`
      : `The tool ${name} no longer exists in Dify, or is no longer published.`;
  return new BridgeError('tool_not_found', message, { hint });
}
