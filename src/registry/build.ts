import { createHash } from 'node:crypto';
import type { PublishedTool, Registry, RegistryNote, WithheldTool } from '../model/registry.ts';
import type { ToolProvider } from '../model/tool.ts';
import { type Draft, draftTool, withhold } from './draft.ts';
import { rememberDecisions } from './explain.ts';
import { compare, type NamedTool, nameTools, uniqueBareNames } from './names.ts';
import { matchPresets } from './presets.ts';
import type { RegistryRules } from './rules.ts';

export type { Preset, RegistryRules } from './rules.ts';

/**
 * Decides which tools of the providers are published, under which names and with which schemas. Never
 * throws: a tool that cannot be published is withheld with its reason. The same providers and rules give
 * the same registry, whatever their order.
 */
export function buildRegistry(providers: readonly ToolProvider[], rules: RegistryRules): Registry {
  const naming = nameTools(providers, rules.maxNameLength);
  const presets = matchPresets(naming.tools, rules);
  const drafts = naming.tools.map((named) => draftTool(named, presets.byTool.get(named), rules));
  for (const named of naming.repeated) {
    drafts.push(
      withhold(
        named,
        named.tool.name,
        'invalid',
        'Dify lists this tool a second time; the first one counts.',
      ),
    );
  }
  const names = publishedNames(drafts, rules);
  const tools: PublishedTool[] = [];
  const withheld: WithheldTool[] = [];
  const notes: RegistryNote[] = [...presets.notes];
  for (const draft of drafts) {
    const name = names.get(draft.named) ?? draft.named.qualifiedName;
    if ('published' in draft.outcome) {
      const tool = Object.freeze({ name, ...draft.outcome.published });
      rememberDecisions(tool, draft.decisions);
      tools.push(tool);
    } else {
      const tool = Object.freeze({ name, ...draft.outcome.withheld });
      rememberDecisions(tool, draft.decisions);
      withheld.push(tool);
    }
    notes.push(...notesOf(draft).map((message) => ({ name, message })));
  }
  tools.sort((a, b) => compare(a.name, b.name));
  withheld.sort((a, b) => compare(a.name, b.name));
  notes.sort((a, b) => compare(a.name, b.name));
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  return Object.freeze({
    tools: Object.freeze(tools),
    withheld: Object.freeze(withheld),
    notes: Object.freeze(notes.map((note) => Object.freeze(note))),
    fingerprint: fingerprintOf(tools),
    get: (name: string) => byName.get(name),
  });
}

/** The names that differ from the qualified ones. */
function publishedNames(drafts: readonly Draft[], rules: RegistryRules): ReadonlyMap<NamedTool, string> {
  const names = new Map<NamedTool, string>();
  if (rules.names !== 'bare') return names;
  const published = drafts.filter(({ outcome }) => 'published' in outcome).map(({ named }) => named);
  for (const [name, named] of uniqueBareNames(published)) names.set(named, name);
  return names;
}

function notesOf({ named, notes }: Draft): string[] {
  const { clashesWith } = named;
  if (clashesWith === undefined) return [...notes];
  const other = `${clashesWith.providerType} ${clashesWith.providerId}, tool ${clashesWith.tool}`;
  return [`The name carries a hash, because another tool has the name without it (${other}).`, ...notes];
}

/** SHA-256 over all that clients see of the tools, as hexadecimal digits. */
function fingerprintOf(tools: readonly PublishedTool[]): string {
  const hash = createHash('sha256');
  for (const { name, title, description, inputSchema, outputSchema, annotations } of tools) {
    hash.update(JSON.stringify([name, title, description, inputSchema, outputSchema ?? null, annotations]));
  }
  return hash.digest('hex');
}
