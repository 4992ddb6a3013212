import type { PublishedTool } from '../model/registry.ts';
import type { ProviderType } from '../model/tool.ts';

/** Returns the tools that pass. `provider` is a label or ID in any case or, if no provider has it, a part of one. */
export function filterTools(
  tools: readonly PublishedTool[],
  {
    provider = '',
    type,
  }: { readonly provider?: string | undefined; readonly type?: ProviderType | undefined },
): readonly PublishedTool[] {
  const wanted = provider.trim().toLowerCase();
  const ofType = type === undefined ? tools : tools.filter(({ ref }) => ref.providerType === type);
  if (wanted === '') return ofType;
  const named = ofType.filter((tool) => namesOf(tool).includes(wanted));
  if (named.length > 0) return named;
  return ofType.filter((tool) => namesOf(tool).some((name) => name.includes(wanted)));
}

function namesOf({ providerLabel, otherTexts, ref }: PublishedTool): string[] {
  return [providerLabel, ...(otherTexts?.provider ?? []), ref.providerId].map((name) => name.toLowerCase());
}

/** Returns each provider with the number of its tools, as `Label (3)`, the largest first. */
export function providerCounts(tools: readonly PublishedTool[]): string[] {
  const counts = new Map<string, number>();
  for (const { providerLabel } of tools) counts.set(providerLabel, (counts.get(providerLabel) ?? 0) + 1);
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted.map(([label, count]) => `${label} (${count})`);
}
