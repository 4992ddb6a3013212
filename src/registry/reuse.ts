import type { PublishedTool, Registry, WithheldTool } from '../model/registry.ts';
import type { ToolProvider } from '../model/tool.ts';
import type { ProviderCredentials } from './credential.ts';
import type { Draft, DraftContext } from './draft.ts';
import { providerDigest, toolDigest, wholeDigest } from './fingerprint.ts';
import type { OwnTool } from './loop-guard.ts';
import { compare, type NamedTool, type NameHolder } from './names.ts';
import type { RegistryRules } from './rules.ts';

/** What a registry is built from besides providers and rules. */
export interface RegistryExtras {
  /** The credentials that presets may name. */
  readonly credentials?: ProviderCredentials;
  /** Tools of the bridge itself that are no tools of Dify, by which the loop guard knows it. */
  readonly ownTools?: readonly OwnTool[];
  /** The tools that clients know by name: while they are there, their names go to no others. */
  readonly heldBy?: NameHolder;
  /** The tools (`identityOf`) that count for bare names and maxTools; all unless given. */
  readonly counted?: ReadonlySet<string>;
  /** What was built before: what has not changed is taken from there. */
  readonly previous?: Registry;
}

/** One tool of a registry, for the next one. */
export interface Kept {
  readonly draft: Draft;
  /** All that the draft depends on besides the rules. */
  readonly inputs: string;
  readonly item: PublishedTool | WithheldTool;
}

/** What went into a registry, to see what of it the next one can take. */
export interface Origin {
  readonly rules: string;
  /** All that the registry depends on besides the rules. */
  readonly inputs: string;
  /** By the identity of the tool. */
  readonly kept: ReadonlyMap<string, Kept>;
  readonly counted: RegistryExtras['counted'] | undefined;
}

const origins = new WeakMap<Registry, Origin>();

/** Keeps what went into a registry, for as long as the registry is there. */
export function rememberOrigin(registry: Registry, origin: Origin): void {
  origins.set(registry, origin);
}

/** What went into a registry; undefined when it was not built here. */
export function originOf(registry: Registry | undefined): Origin | undefined {
  return registry === undefined ? undefined : origins.get(registry);
}

/** What a registry is going to be built from, without its tools. */
export function originTexts(
  providers: readonly ToolProvider[],
  rules: RegistryRules,
  { credentials, ownTools }: RegistryExtras,
): Pick<Origin, 'rules' | 'inputs'> {
  const known = [...(credentials ?? [])].sort(([a], [b]) => compare(a, b));
  return {
    rules: JSON.stringify(rules),
    inputs: JSON.stringify([providers.map(wholeDigest).sort(compare), known, ownTools ?? null]),
  };
}

/** All that the draft of one tool depends on besides the rules. */
export function draftInputs(
  named: NamedTool,
  { preset, credentials }: Pick<DraftContext, 'preset' | 'credentials'>,
): string {
  const { provider, tool, qualifiedName, clashesWith } = named;
  return JSON.stringify([
    providerDigest(provider),
    toolDigest(tool),
    qualifiedName,
    clashesWith,
    preset?.parts.map(({ setting, by }) => [setting, by]),
    preset?.credential === undefined ? undefined : credentials?.get(provider.id),
  ]);
}
