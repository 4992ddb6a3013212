import type { DifyConsole } from '../dify/console/console.ts';
import { forEachBounded } from '../model/async.ts';
import type { CatalogListing } from '../model/ports.ts';
import type { LocalizedText, ToolProvider } from '../model/tool.ts';

/** The providers that are part of Dify itself, in every release so far. None of them needs credentials. */
export const HARD_CODED_PROVIDERS: readonly ToolProvider[] = [
  hardCoded('audio', { en_US: 'Audio' }, 'utilities'),
  hardCoded('code', { en_US: 'Code Interpreter', zh_Hans: '代码解释器' }, 'productivity'),
  hardCoded('time', { en_US: 'CurrentTime', zh_Hans: '时间' }, 'utilities'),
  hardCoded('webscraper', { en_US: 'WebScraper', zh_Hans: '网页抓取' }, 'productivity'),
];

/**
 * The builtin providers without their tools, from the list of plugins and from what is known of Dify. Unlike Dify's own
 * list of providers, this does not fail when Dify cannot read what one plugin declares. Rejects when the plugins cannot
 * be listed.
 */
export async function providersFromPlugins(
  console: Pick<DifyConsole, 'listPlugins' | 'credentials'>,
  concurrency: number,
  signal: AbortSignal,
): Promise<CatalogListing> {
  const { providers: plugins, problems, needCredentials } = await console.listPlugins(signal);
  const unauthorized = new Set<string>();
  await forEachBounded([...needCredentials], concurrency, async (id) => {
    if (await lacksCredentials(console, id, signal)) unauthorized.add(id);
  });
  const providers = plugins.map((plugin) => ({ ...plugin, authorized: !unauthorized.has(plugin.id) }));
  return { providers: [...HARD_CODED_PROVIDERS, ...providers], problems };
}

/** True when Dify says that there are none. Where it says nothing, a call will. */
async function lacksCredentials(
  console: Pick<DifyConsole, 'credentials'>,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await console.credentials(id, signal))?.length === 0;
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return false;
  }
}

function hardCoded(name: string, label: LocalizedText, tag: string): ToolProvider {
  return {
    type: 'builtin',
    id: name,
    name,
    label,
    description: {},
    authorized: true,
    tags: [tag],
    tools: [],
  };
}
