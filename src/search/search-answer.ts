import type { ToolResult } from '../model/content.ts';
import { cutText } from '../model/cut-text.ts';
import { type JsonObject, listOf, withoutUndefined } from '../model/json.ts';
import type { PublishedTool, Registry } from '../model/registry.ts';
import { closestMatches } from '../model/closest.ts';
import { listed } from '../registry/text.ts';
import type { Effects } from './effects.ts';
import { describeTool, MAX_RESULTS, type searchTools } from './search-tools.ts';
import type { SearchIndex } from './search-index.ts';
import { languagesOf } from './languages.ts';
import { firstSentence } from './tool-texts.ts';
import { filterTools, providerCounts } from './filters.ts';

export type SearchQuery = ReturnType<typeof searchTools.parse>['values'];

const MAX_SENTENCE = 160;
const MAX_PROVIDERS = 300;

/** Returns the tools that fit a query as text and as structured content, with advice on how to go on. */
export function searchAnswer(
  request: SearchQuery,
  registry: Registry,
  index: SearchIndex,
  effects: Effects,
): ToolResult {
  const query = request.query.trim();
  const everything = query === '' || query === '*';
  const found = everything ? registry.tools : matches(query, registry, index);
  // The sort is stable: usable tools first, each in its order.
  const fitting = filterTools(found, request).toSorted((a, b) => Number(b.authorized) - Number(a.authorized));
  const shown = fitting.slice(0, request.limit);
  const about = everything ? '' : ` for ${JSON.stringify(cutText(query, 100))}`;
  if (shown.length === 0) return nothingFound(about, request, found, registry);

  const isPart = fitting.length > shown.length;
  const narrowing = isPart ? `${howToNarrow(fitting, shown.length, request)} ` : '';
  const advice = `${narrowing}${describeTool.tool.name} returns the full definition of a tool.`;
  const count = isPart ? `${shown.length} of ${fitting.length}` : `${fitting.length}`;
  const order = everything ? 'by name' : 'best match first';
  const head = fitting.length === 1 ? `1 tool${about}:` : `${count} tools${about}, ${order}:`;
  return {
    content: [{ type: 'text', text: [head, ...shown.map((tool) => line(tool, effects)), advice].join('\n') }],
    structuredContent: { total: fitting.length, tools: shown.map((tool) => entry(tool, effects)), advice },
  };
}

/** Returns the tools that the index finds. A tool whose exact name is the query comes first. */
function matches(query: string, registry: Registry, index: SearchIndex): PublishedTool[] {
  const exact = registry.get(query);
  const found = index.find(query).flatMap((name) => registry.get(name) ?? []);
  return exact === undefined ? found : [exact, ...found.filter((tool) => tool !== exact)];
}

function line(tool: PublishedTool, effects: Effects): string {
  const required = requiredOf(tool);
  const parts = [
    tool.name,
    tool.title,
    firstSentence(tool.description, MAX_SENTENCE),
    required.length === 0 ? 'no required arguments' : `required: ${required.join(', ')}`,
  ];
  if (effects.split) parts.push(effects.callerOf(tool));
  if (!tool.authorized) parts.push('not authorised in Dify');
  return parts.join(' — ');
}

function entry(tool: PublishedTool, effects: Effects): JsonObject {
  return withoutUndefined({
    name: tool.name,
    title: tool.title,
    description: firstSentence(tool.description, MAX_SENTENCE),
    required: requiredOf(tool),
    provider: tool.providerLabel,
    type: tool.ref.providerType,
    callWith: effects.callerOf(tool),
    authorized: tool.authorized ? undefined : false,
  });
}

function requiredOf({ inputSchema }: PublishedTool): string[] {
  return listOf(inputSchema['required']).filter((name) => typeof name === 'string');
}

function howToNarrow(fitting: readonly PublishedTool[], shown: number, { limit, type }: SearchQuery): string {
  const ways = ['use more specific words'];
  const providers = providerCounts(fitting);
  if (providers.length > 1) ways.push(`filter by provider: ${listed(providers, MAX_PROVIDERS)}`);
  const types = new Set(fitting.map(({ ref }) => ref.providerType));
  if (type === undefined && types.size > 1) ways.push(`filter by type: ${[...types].join(', ')}`);
  if (limit < MAX_RESULTS) ways.push(`raise limit (at most ${MAX_RESULTS})`);
  const left = fitting.length - shown;
  const [are, them] = left === 1 ? ['is', 'it'] : ['are', 'them'];
  return `There ${are} ${left} more. To see ${them}: ${ways.join('; or ')}.`;
}

function nothingFound(
  about: string,
  query: SearchQuery,
  unfiltered: readonly PublishedTool[],
  registry: Registry,
): ToolResult {
  const { provider, type } = query;
  const advice = whatToTry(registry, unfiltered, query);
  const filters: string[] = [];
  if (provider !== undefined) filters.push(`provider ${JSON.stringify(cutText(provider, 100))}`);
  if (type !== undefined) filters.push(`type ${type}`);
  const within = filters.length === 0 ? '' : ` with ${filters.join(' and ')}`;
  const text = `No tools found${about}${within}. ${advice}`;
  return { content: [{ type: 'text', text }], structuredContent: { total: 0, tools: [], advice: text } };
}

function whatToTry(
  registry: Registry,
  found: readonly PublishedTool[],
  { provider, type }: SearchQuery,
): string {
  const providers = providerCounts(registry.tools);
  if (providers.length === 0) return 'No tools of this workspace are published.';
  const all = `Providers, with their number of tools: ${listed(providers, MAX_PROVIDERS)}.`;
  if (provider !== undefined && filterTools(registry.tools, { provider }).length === 0) {
    const near = closestMatches(provider, new Set(registry.tools.map((tool) => tool.providerLabel)), 5);
    return near.length === 0 ? all : `Similar providers: ${near.join(', ')}.`;
  }
  if (found.length > 0) {
    const filters = [provider && 'provider', type && 'type'].filter(Boolean).join(' and ');
    return `Without the filter there ${found.length === 1 ? 'is 1' : `are ${found.length}`}: omit ${filters}.`;
  }
  const languages = languagesOf(registry.tools);
  const described = languages.length === 0 ? '' : `The tools are described in ${languages.join(', ')}. `;
  return (
    `${described}Try fewer words, more general words or synonyms. ` +
    `An empty query with a provider returns all its tools. ${all}`
  );
}
