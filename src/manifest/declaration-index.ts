import type { DifyTool, ProviderType, ToolProvider, ToolRef } from '../model/tool.ts';

export class DeclarationIndex {
  readonly #byProvider = new Map<string, { provider: ToolProvider; tools: Map<string, DifyTool> }>();

  constructor(providers: readonly ToolProvider[]) {
    for (const provider of providers) {
      const key = providerKey(provider.type, provider.id);
      if (this.#byProvider.has(key)) continue;
      const tools = new Map<string, DifyTool>();
      for (const tool of provider.tools) if (!tools.has(tool.name)) tools.set(tool.name, tool);
      this.#byProvider.set(key, { provider, tools });
    }
  }

  find(ref: ToolRef): { provider: ToolProvider; tool: DifyTool } | undefined {
    const found = this.#byProvider.get(providerKey(ref.providerType, ref.providerId));
    const tool = found?.tools.get(ref.tool);
    return found === undefined || tool === undefined ? undefined : { provider: found.provider, tool };
  }
}

function providerKey(type: ProviderType, id: string): string {
  return JSON.stringify([type, id]);
}
