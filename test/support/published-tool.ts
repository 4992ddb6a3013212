import type { JsonObject } from '../../src/model/json.ts';
import type { PublishedTool } from '../../src/model/registry.ts';

/** A published tool of a plugin that takes any arguments as they are. */
export function aTool(extra: Partial<PublishedTool> = {}): PublishedTool {
  return {
    name: 'acme__tool',
    title: 'Tool',
    description: 'A tool.',
    inputSchema: { type: 'object' },
    annotations: {},
    ref: { providerType: 'builtin', providerId: 'acme/kit/kit', tool: 'tool' },
    providerLabel: 'Acme Kit',
    authorized: true,
    fileParameters: [],
    parseArguments: (args) => ({ ok: true, parameters: args as JsonObject }),
    ...extra,
  };
}
