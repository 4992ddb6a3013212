import type { DifyConsole } from '../dify/console/console.ts';
import { forEachBounded } from '../model/async.ts';
import type { CatalogListing } from '../model/ports.ts';
import type { LocalizedText, ToolProvider } from '../model/tool.ts';

/** The providers that every release of Dify so far includes. None of them needs credentials. */
export const HARD_CODED_PROVIDERS: readonly ToolProvider[] = [
  hardCoded('audio', { en_US: 'Audio' }, 'utilities'),
  hardCoded('code', { en_US: 'Code Interpreter', zh_Hans: '代码解释器' }, 'productivity'),
  hardCoded('time', { en_US: 'CurrentTime', zh_Hans: '时间' }, 'utilities'),
  hardCoded('webscraper', { en_US: 'WebScraper', zh_Hans: '网页抓取' }, 'productivity'),
];

/**
 * Returns the builtin providers without their tools: those in the list of plugins, and those that are part of Dify.
 * Works even if Dify cannot read one plugin's declaration. Rejects if Dify cannot list the plugins.
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

/** Returns true if Dify reports that the provider has no credentials. Without a report, only a call can tell. */
async function lacksCredentials(
  console: Pick<DifyConsole, 'credentials'>,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await console.credentials(id, signal))?.credentials.length === 0;
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return false;
  }
}

function hardCoded(name: string, label: LocalizedText, tag: string): ToolProvider {
  const texts = { name, label, description: {}, tags: [tag] };
  return { type: 'builtin', id: name, ...texts, authorized: true, tools: [] };
}
