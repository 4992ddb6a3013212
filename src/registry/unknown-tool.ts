import { BridgeError } from '../model/errors.ts';
import type { Registry } from '../model/registry.ts';
import { similarNames } from './explain.ts';

/** Why no tool of that name can be called, with the names that may be meant: `tool_not_found`. */
export function unknownTool(registry: Registry, name: string): BridgeError {
  const withheld = registry.withheld.find((tool) => tool.name === name);
  if (withheld !== undefined) {
    return new BridgeError('tool_not_found', `The tool ${name} is in Dify but not published.`, {
      hint: `The operator of the bridge can change that: ${withheld.detail}`,
    });
  }
  const published = similarNames(registry, name).filter((similar) => registry.get(similar) !== undefined);
  const hint =
    published.length === 0
      ? 'tools/list gives the names of all tools.'
      : `Similar names: ${published.join(', ')}. tools/list gives all of them.`;
  return new BridgeError('tool_not_found', `There is no tool named ${JSON.stringify(name.slice(0, 128))}.`, {
    hint,
  });
}
