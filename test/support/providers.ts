import type { ProviderType, ToolProvider } from '../../src/model/tool.ts';

/** A provider whose tools have the names given and nothing else. */
export function provider(type: ProviderType, id: string, tools: readonly string[] = ['run']): ToolProvider {
  return {
    type,
    id,
    name: id,
    label: { en_US: id },
    description: {},
    authorized: true,
    tools: tools.map((name) => ({ name, label: {}, description: {}, parameters: [] })),
  };
}
