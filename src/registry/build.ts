import type { PublishedTool, Registry, RegistryNote, WithheldTool } from '../model/registry.ts';
import { identityOf, type ToolProvider } from '../model/tool.ts';
import { resolveAliases } from './aliases.ts';
import { type Draft, draftTool, withhold } from './draft.ts';
import { rememberExplanation } from './explain.ts';
import { listFingerprint } from './fingerprint.ts';
import { ownEndpoints } from './loop-guard.ts';
import {
  compare,
  type NamedTool,
  type NameHolder,
  type Naming,
  nameTools,
  uniqueBareNames,
} from './names.ts';
import { matchPresets } from './preset-match.ts';
import {
  draftInputs,
  type Kept,
  originOf,
  originTexts,
  type RegistryExtras,
  rememberOrigin,
} from './reuse.ts';
import type { RegistryRules } from './rules.ts';
import { rankTools, selectTool, unusedMatchers } from './selection.ts';

export type { RegistryExtras } from './reuse.ts';
export type { Preset, RegistryRules } from './rules.ts';

/**
 * Decides which tools of the providers are published, under which names and with which schemas. Never throws: a
 * tool that cannot be published is withheld with its reason. The same providers, rules and extras give the same
 * registry, whatever the order and whatever was built before; when nothing has changed since `previous`, it is that
 * one.
 *
 * The rules in their order: deny, allow, unauthorized, what is invalid or incomplete, readOnly, the loop guard,
 * maxTools.
 */
export function buildRegistry(
  providers: readonly ToolProvider[],
  rules: RegistryRules,
  extras: RegistryExtras = {},
): Registry {
  const texts = originTexts(providers, rules, extras);
  const before = originOf(extras.previous);
  const { counted } = extras;
  const isSame =
    before?.rules === texts.rules && before.inputs === texts.inputs && before.counted === counted;
  if (extras.previous !== undefined && isSame) return extras.previous;
  const known = before?.rules === texts.rules ? before.kept : new Map<string, Kept>();

  const naming = nameTools(providers, rules.maxNameLength, extras.heldBy);
  const { drafts, notes } = draftTools(naming, rules, extras, known);
  const endpoints = ownEndpoints(
    providers,
    drafts.map(({ draft }) => draft),
    extras.ownTools ?? [],
    rules,
  );
  const decided: readonly Decided[] = [
    ...drafts.map((entry) => ({ ...entry, final: guarded(entry.draft, endpoints) })),
    ...naming.repeated.map((named) => ({ final: repeated(named) })),
  ];
  const published = decided.map(({ final }) => final).filter(({ outcome }) => 'published' in outcome);
  const counting = published.filter(({ named }) => counted?.has(named.key) !== false);
  const names = publishedNames(counting, rules, naming, extras.heldBy);
  const nameOf = (draft: Draft): string => names.get(draft.named) ?? draft.named.qualifiedName;
  const candidates = counting.map((draft) => ({ item: draft, name: nameOf(draft), tool: draft.named }));
  const ranks = new Map(rankTools(candidates, rules).map((rank) => [rank.item, rank]));

  const tools: PublishedTool[] = [];
  const withheld: WithheldTool[] = [];
  const kept = new Map<string, Kept>();
  for (const { final, draft, inputs } of decided) {
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
        publishedBefore(known.get(named.key), final, name) ?? Object.freeze({ name, ...outcome.published });
      tools.push(item);
    }
    const lines = rank === undefined ? final.lines : [...final.lines, rank.line];
    rememberExplanation(item, { rules: lines, presets: final.presets, inputOf: final.inputOf });
    notes.push(...notesOf(final, name));
    if (draft !== undefined) kept.set(named.key, { draft, inputs, item });
  }
  tools.sort((a, b) => compare(a.name, b.name));
  withheld.sort((a, b) => compare(a.name, b.name));
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const aliases = resolveAliases(byName, withheld, rules);
  notes.push(...aliases.notes);
  notes.sort((a, b) => compare(a.name, b.name));
  const registry: Registry = Object.freeze({
    tools: Object.freeze(tools),
    withheld: Object.freeze(withheld),
    notes: Object.freeze(notes.map((note) => Object.freeze(note))),
    fingerprint: listFingerprint(tools),
    get: (name: string) => byName.get(name) ?? aliases.byName.get(name),
  });
  rememberOrigin(registry, { ...texts, kept, counted });
  return registry;
}

interface Drafted {
  readonly draft: Draft;
  readonly inputs: string;
}

/** A tool at the end of all rules but maxTools; `draft` is what they said without the loop guard. */
type Decided = { readonly final: Draft } & (Drafted | { readonly draft?: never; readonly inputs?: never });

/** Every tool decided upon by itself, as before where nothing about it has changed. */
function draftTools(
  { tools }: Naming,
  rules: RegistryRules,
  { credentials }: RegistryExtras,
  known: ReadonlyMap<string, Kept>,
): { readonly drafts: readonly Drafted[]; readonly notes: RegistryNote[] } {
  const selections = new Map(tools.map((named) => [named, selectTool(named, rules)]));
  const visible = tools.filter(
    (named) =>
      selections.get(named)?.hidden === undefined &&
      (named.provider.authorized || rules.unauthorized === 'publish'),
  );
  const presets = matchPresets(tools, visible, rules);
  const drafts = tools.map((named) => {
    const preset = presets.byTool.get(named);
    const selection = selections.get(named) ?? { lines: [] };
    const inputs = draftInputs(named, { preset, credentials });
    const old = known.get(named.key);
    const draft =
      old?.inputs === inputs
        ? { ...old.draft, named }
        : draftTool(named, { preset, selection, rules, credentials });
    return { draft, inputs };
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
  const detail = 'Dify lists this tool a second time; the first one counts.';
  return withhold(named, named.tool.name, 'invalid', detail);
}

/** The very object of the registry before, where clients would see no difference. */
function publishedBefore(old: Kept | undefined, { outcome }: Draft, name: string): PublishedTool | undefined {
  if (old === undefined || old.draft.outcome !== outcome || old.item.name !== name) return undefined;
  return 'inputSchema' in old.item ? old.item : undefined;
}

/** The names that differ from the qualified ones. */
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

function notesOf({ named, notes, faults }: Draft, name: string): RegistryNote[] {
  const { clashesWith } = named;
  const all: RegistryNote[] = notes.map((message) => ({ name, message }));
  if (clashesWith !== undefined) {
    const other = `${clashesWith.providerType} ${clashesWith.providerId}, tool ${clashesWith.tool}`;
    const message = `The name carries a hash, because another tool has the name without it (${other}).`;
    all.unshift({ name, message });
  }
  for (const { message, setting } of faults) all.push({ name, message, setting });
  return all;
}
