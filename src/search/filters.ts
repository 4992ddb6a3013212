import type { PublishedTool } from '../model/registry.ts';
import type { ProviderType } from '../model/tool.ts';

/** The filters of a search. */
export interface ToolFilters {
  /** Label or ID of the provider, or a part of one if no provider matches exactly. Case is ignored. */
  readonly provider?: string | undefined;
  readonly type?: ProviderType | undefined;
}

/** Returns the tools that match the filters, in the same order. */
export function filterTools(tools: readonly PublishedTool[], filters: ToolFilters): readonly PublishedTool[] {
  const { type } = filters;
  const provider = filters.provider?.trim().toLowerCase() ?? '';
  const ofType = type === undefined ? tools : tools.filter(({ ref }) => ref.providerType === type);
  if (provider === '') return ofType;
  const named = ofType.filter((tool) => namesOf(tool).includes(provider));
  if (named.length > 0) return named;
  return ofType.filter((tool) => namesOf(tool).some((name) => name.includes(provider)));
}

function namesOf({ providerLabel, otherLabels, ref }: PublishedTool): string[] {
  return [providerLabel, ...(otherLabels?.provider ?? []), ref.providerId].map((name) => name.toLowerCase());
}

/** Returns each provider with the number of its tools, as `Label (3)`, the largest first. */
export function providerCounts(tools: readonly PublishedTool[]): string[] {
  const counts = new Map<string, number>();
  for (const { providerLabel } of tools) counts.set(providerLabel, (counts.get(providerLabel) ?? 0) + 1);
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted.map(([label, count]) => `${label} (${count})`);
}
