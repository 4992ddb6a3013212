import type { ListedTool } from '../model/registry.ts';
import type { ToolProvider } from '../model/tool.ts';
import { originNote } from './description.ts';
import type { Draft } from './draft.ts';
import { namesProvider } from './match.ts';
import { type RegistryRules, settingOf } from './rules.ts';
import { tidy } from './text.ts';

/** One of the bridge's own tools, such as its search, as a client sees it. */
export type BridgeTool = Pick<ListedTool, 'name' | 'description'>;

/**
 * Returns the MCP servers of the catalogue that are this bridge itself, by their ID, each with the reason to withhold
 * it.
 *
 * Dify masks a server's address and stores only the name, description and parameters of its tools, so the bridge
 * recognises itself by these. A tool counts as the bridge's if it has the qualified name of a tool of this catalogue
 * (`google__search`), or name and description of a tool that is published bare, or of one of the bridge's own tools. A
 * server is the bridge if this is true for at least half of its tools; the others may have been added or removed since
 * Dify listed them. A bridge to another workspace with the same plugins looks the same, so a server that an allow rule
 * names by its exact ID as `provider` is never withheld.
 */
export function selfEndpoints(
  providers: readonly ToolProvider[],
  drafts: readonly Draft[],
  bridgeTools: readonly BridgeTool[],
  rules: RegistryRules,
): ReadonlyMap<string, string> {
  const servers = providers.filter(({ type, tools }) => type === 'mcp' && tools.length > 0);
  const found = new Map<string, string>();
  if (servers.length === 0) return found;
  const qualified = new Set(drafts.map(({ named }) => named.qualifiedName));
  const described = new Set(bridgeTools.map(({ name, description }) => identity(name, description)));
  for (const { named, outcome } of drafts) {
    if (!('published' in outcome)) continue;
    const { description } = outcome.published;
    const note = originNote(named, rules.languages);
    // The note is left out where the qualified name says as much.
    const bare = description.includes(note) ? description : `${description}\n\n${note}`;
    described.add(identity(named.bareName, bare));
  }
  for (const provider of servers) {
    if (rules.allow.some((matcher) => namesProvider(matcher, provider))) continue;
    const echoes = provider.tools.filter(
      ({ name, description }) =>
        (name.includes('__') && qualified.has(name)) ||
        Object.values(description).some((text) => described.has(identity(name, text))),
    );
    if (echoes.length * 2 < provider.tools.length) continue;
    const example = echoes[0]?.name ?? '';
    found.set(
      provider.id,
      `Its MCP server is this bridge itself: ${echoes.length} of the server's ${provider.tools.length} tools are ` +
        `tools of this workspace (${example}), and calling them would go through Dify back to this bridge, in an ` +
        `endless loop. If it is a different server, add { provider: ${JSON.stringify(provider.id)} } to ` +
        `${settingOf(rules, 'allow')}${rules.allow.length === 0 ? ', together with "*" for all other tools' : ''}.`,
    );
  }
  return found;
}

function identity(name: string, description: string): string {
  return JSON.stringify([name, tidy(description)]);
}
