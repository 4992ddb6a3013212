import { PROVIDER_TYPES, type ToolProvider } from '../model/tool.ts';

/** Providers by type, then by id in code-unit order: the same workspace always gives the same list. */
export function inOrder(providers: readonly ToolProvider[]): ToolProvider[] {
  return [...providers].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : Number(a.id > b.id)));
}

function rank(provider: ToolProvider): number {
  return PROVIDER_TYPES.indexOf(provider.type);
}
