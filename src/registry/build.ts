import { hasInvisible, visibleLine } from '../model/invisible-characters.ts';
import type { Explanation, PublishedTool, Registry, RegistryNote, WithheldTool } from '../model/registry.ts';
import { listFingerprint } from '../model/tool-definition.ts';
import { identityOf, type ToolProvider } from '../model/tool.ts';
import { resolveAliases } from './aliases.ts';
import type { ProviderCredentials } from './credential.ts';
import { type Draft, draftTool, withhold } from './draft.ts';
import { type BridgeTool, selfEndpoints } from './loop-guard.ts';
import { compare } from '../model/compare.ts';
import { type NamedTool, type NameHolder, type Naming, nameTools, uniqueBareNames } from './names.ts';
import { matchPresets } from './preset-match.ts';
import type { ToolNote } from './presets.ts';
import type { RegistryRules } from './rules.ts';
import { listed } from './text.ts';
import { rankTools, selectTool, unusedMatchers } from './selection.ts';

/** The inputs of a registry besides providers and rules. */
export interface RegistryExtras {
  /** The credentials that presets may name. */
  readonly credentials?: ProviderCredentials | undefined;
  /** The bridge's own tools, by which the loop guard recognises the bridge. */
  readonly bridgeTools?: readonly BridgeTool[] | undefined;
  /** The tools that clients know by name. While a tool exists, no other tool gets its name. */
  readonly heldBy?: NameHolder | undefined;
  /** The tools (`identityOf`) that count for bare names and `maxTools`. Default: all. */
  readonly counted?: ReadonlySet<string> | undefined;
  /** The previous registry, whose unchanged tools are reused. */
  readonly previous?: BuiltRegistry | undefined;
}

/** A registry, and what the next one can reuse. */
export interface BuiltRegistry extends Registry {
  readonly basis: {
    readonly rules: RegistryRules;
    readonly credentials: ProviderCredentials | undefined;
    readonly tools: ReadonlyMap<string, Reusable>;
  };
}

/** One tool of a registry: the decision without loop guard and `maxTools`, and the listed tool. */
interface Reusable {
  readonly draft: Draft;
  readonly item: PublishedTool | WithheldTool;
}

/**
 * Returns the registry: which tools of the providers are published, under which names and with which schemas. Never
 * throws: a tool that cannot be published is withheld with its reason. The same providers, rules and extras give the
 * same registry, regardless of their order and of `previous`. If a provider is the same object as in `previous`, and
 * rules and credentials are the same, its tools are the same objects again.
 *
 * The rules in order: deny, allow, unauthorized, invalid or incomplete tools, readOnly, the loop guard, maxTools.
 */
export function buildRegistry(
  providers: readonly ToolProvider[],
  rules: RegistryRules,
  extras: RegistryExtras = {},
): BuiltRegistry {
  const { credentials, counted, heldBy, bridgeTools = [] } = extras;
  const naming = nameTools(providers, rules.maxNameLength, heldBy);
  const reusable = reusableTools(rules, extras);
  const { drafts, notes } = draftTools(naming, rules, credentials, reusable);
  const endpoints = selfEndpoints(providers, drafts, bridgeTools, rules);
  const decided: readonly Decided[] = [
    ...drafts.map((draft) => ({ draft, final: guarded(draft, endpoints) })),
    ...naming.repeated.map((named) => ({ final: repeated(named) })),
  ];
  const counting = decided
    .map(({ final }) => final)
    .filter(({ outcome, named }) => 'published' in outcome && counted?.has(named.key) !== false);
  const names = publishedNames(counting, rules, naming, heldBy);
  const nameOf = ({ named }: Draft): string => names.get(named) ?? named.qualifiedName;
  const ranks = rankTools(
    counting.map((draft) => ({ item: draft, name: nameOf(draft), tool: draft.named })),
    rules,
  );

  const tools: PublishedTool[] = [];
  const withheld: WithheldTool[] = [];
  const explanations = new Map<PublishedTool | WithheldTool, Explanation>();
  const basis = new Map<string, Reusable>();
  for (const { final, draft } of decided) {
    const { named, outcome } = final;
    const [name, rank] = [nameOf(final), ranks.get(final)];
    let item: PublishedTool | WithheldTool;
    if ('withheld' in outcome) {
      item = Object.freeze({ name, ...outcome.withheld });
      withheld.push(item);
    } else if (rank?.hidden !== undefined) {
      const { title, ref } = outcome.published;
      item = Object.freeze({ name, title, ref, reason: 'hidden', detail: rank.hidden } as const);
      withheld.push(item);
    } else {
      item =
        publishedBefore(reusable.get(named.key), final, name) ??
        Object.freeze({ name, ...outcome.published });
      tools.push(item);
    }
    const lines = rank === undefined ? final.lines : [...final.lines, rank.line];
    explanations.set(item, { rules: lines, details: () => details(final) });
    notes.push(...notesOf(final, name));
    if (draft !== undefined) basis.set(named.key, { draft, item });
  }
  tools.sort((a, b) => compare(a.name, b.name));
  withheld.sort((a, b) => compare(a.name, b.name));
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const aliases = resolveAliases(byName, withheld, rules);
  notes.push(...aliases.notes);
  notes.sort((a, b) => compare(a.name, b.name));
  return Object.freeze({
    tools: Object.freeze(tools),
    withheld: Object.freeze(withheld),
    notes: Object.freeze(notes.map((note) => Object.freeze(note))),
    explanations,
    fingerprint: listFingerprint(tools),
    get: (name: string) => byName.get(name) ?? aliases.byName.get(name),
    basis: { rules, credentials, tools: basis },
  });
}

/** A tool after all rules except `maxTools`. `draft` is the decision without the loop guard. */
interface Decided {
  readonly final: Draft;
  readonly draft?: Draft;
}

function reusableTools(
  rules: RegistryRules,
  { previous, credentials }: RegistryExtras,
): ReadonlyMap<string, Reusable> {
  const basis = previous?.basis;
  return basis?.rules === rules && basis.credentials === credentials ? basis.tools : new Map();
}

/** Returns the decision on each tool by itself, reusing the previous one if nothing about the tool has changed. */
function draftTools(
  { tools }: Naming,
  rules: RegistryRules,
  credentials: ProviderCredentials | undefined,
  reusable: ReadonlyMap<string, Reusable>,
): { readonly drafts: readonly Draft[]; readonly notes: RegistryNote[] } {
  const presets = matchPresets(tools, rules);
  const drafts = tools.map((named) => {
    const old = reusable.get(named.key)?.draft;
    const { provider, tool, qualifiedName } = old?.named ?? {};
    const isSame =
      provider === named.provider && tool === named.tool && qualifiedName === named.qualifiedName;
    if (old !== undefined && isSame) return { ...old, named };
    const selection = selectTool(named, rules);
    return draftTool(named, { preset: presets.byTool.get(named), selection, rules, credentials });
  });
  return { drafts, notes: [...presets.notes, ...unusedMatchers(tools, rules)] };
}

function guarded(draft: Draft, endpoints: ReadonlyMap<string, string>): Draft {
  const { named, outcome } = draft;
  const reason = named.provider.type === 'mcp' ? endpoints.get(named.provider.id) : undefined;
  if (reason === undefined || 'withheld' in outcome) return draft;
  const lines = [...draft.lines, 'loop guard: the MCP server is the bridge itself'];
  return withhold(named, outcome.published.title, 'hidden', reason, { ...draft, lines });
}

function repeated(named: NamedTool): Draft {
  const detail = 'Dify lists this tool twice; the bridge uses the first one.';
  return withhold(named, named.tool.name, 'invalid', detail);
}

/** Returns the previous registry's object if clients would see no difference. */
function publishedBefore(
  old: Reusable | undefined,
  { outcome }: Draft,
  name: string,
): PublishedTool | undefined {
  if (old === undefined || old.draft.outcome !== outcome || old.item.name !== name) return undefined;
  return 'inputSchema' in old.item ? old.item : undefined;
}

/** Returns the names that differ from the qualified ones. */
function publishedNames(
  published: readonly Draft[],
  rules: RegistryRules,
  naming: Naming,
  heldBy: NameHolder | undefined,
): ReadonlyMap<NamedTool, string> {
  const names = new Map<NamedTool, string>();
  if (rules.names !== 'bare') return names;
  const present = new Set(naming.tools.map(({ key }) => key));
  for (const [name, named] of uniqueBareNames(published.map((draft) => draft.named))) {
    const holder = heldBy?.(name);
    const key = holder === undefined ? named.key : identityOf(holder);
    if (key === named.key || !present.has(key)) names.set(named, name);
  }
  return names;
}

function details({ named, presets, inputOf }: Draft): string[] {
  const decisions = inputOf?.().decisions ?? [];
  const parameters = decisions.map(({ name, decision }) => `Parameter ${visibleLine(name)}: ${decision}`);
  const lines = [...invisibleLines(named), ...parameters];
  return presets.length === 0 ? lines : [`Presets: ${presets.join(', ')}`, ...lines];
}

/** Returns a line that says from where invisible characters are removed, if Dify declares any. */
function invisibleLines({ tool, provider }: NamedTool): string[] {
  const places = [
    ...(hasInvisible([tool.name, provider.name, provider.id]) ? ['its name'] : []),
    ...(hasInvisible([tool.label, provider.label]) ? ['its labels'] : []),
    ...(hasInvisible([tool.description, tool.outputSchema]) ? ['its description'] : []),
    ...tool.parameters.filter(hasInvisible).map(({ name }) => `the parameter ${visibleLine(name)}`),
  ];
  if (places.length === 0) return [];
  return [`Invisible and control characters are removed from ${listed(places, 1000)}.`];
}

function notesOf({ named: { clashesWith }, notes }: Draft, name: string): RegistryNote[] {
  const all: ToolNote[] = [];
  if (clashesWith !== undefined) {
    const other = `${clashesWith.providerType} ${clashesWith.providerId}, tool ${clashesWith.tool}`;
    const message = `The name contains a hash, because another tool has the name without it (${other}).`;
    all.push({ message });
  }
  // Notes that the operator can act on come last.
  const isCorrectable = ({ setting }: ToolNote): number => Number(setting !== undefined);
  all.push(...notes.toSorted((a, b) => isCorrectable(a) - isCorrectable(b)));
  return all.map((note) => ({ name, ...note }));
}
