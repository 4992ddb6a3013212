import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { DEFAULT_VIEW, type ViewConfig, viewsOf } from '../config/views.ts';
import { compareManifest, type ManifestDifference } from '../manifest/compare.ts';
import { frozenView } from '../manifest/frozen.ts';
import { toolHash } from '../manifest/hash.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { type UnpublishedChanges, unpublishedIn } from '../manifest/unpublished.ts';
import type { Logger } from '../model/logger.ts';
import type { CatalogListing } from '../model/ports.ts';
import type { PublishedTool, Registry, WithheldTool } from '../model/registry.ts';
import { identityOf, type ToolProvider } from '../model/tool.ts';
import { buildRegistry } from '../registry/build.ts';
import { rememberLastRule } from '../registry/explain.ts';
import { listFingerprint } from '../registry/fingerprint.ts';

/** The approved tools that a view is served from, and how far Dify has moved away from them. */
export interface ManifestStatus {
  /** The views that they are for: those without a folder of their own have that of the default view. */
  readonly views: readonly string[];
  readonly dir: string;
  /** Only tools that are as they were approved are served. */
  readonly frozen: boolean;
  /** When Dify's tools were last compared; undefined before the first time. */
  readonly comparedAt: Date | undefined;
  /** How they differed. */
  readonly difference: ManifestDifference | undefined;
}

/** Holds what Dify lists for a view against what was approved for it. */
export interface Approval {
  /** The manifest in place of Dify's catalogue. It holds more than what was approved: see `approve`. */
  readonly listing: CatalogListing;
  /** The approved tools alone. */
  readonly approved: CatalogListing;
  /**
   * What may be served of the registry that a view makes of a listing: all of Dify's, unless the manifest is
   * frozen, and of the manifest's own what was approved.
   */
  approve(registry: Registry, config: ViewConfig, listing: CatalogListing): Registry;
  /** The approved tools by identity where no others can be served: those take no name and no place of theirs. */
  readonly counted: ReadonlySet<string> | undefined;
  /** Compares what the live workspace gives, and says in the log what differs when that changes. */
  compare(registry: Registry, providers: readonly ToolProvider[]): void;
  status(): Omit<ManifestStatus, 'views'>;
}

/** The approvals of all views. */
export interface Approvals {
  of(view: string): Approval;
  /** What was approved for any view. */
  approved(): CatalogListing;
  /** True for a view with a manifest of its own. */
  owns(view: string): boolean;
  status(): readonly ManifestStatus[];
}

/**
 * Reads the approved tools that the configuration names: the folder itself for the default view, and the one in
 * it that is named like the view for any other, where there is one. Undefined where no folder is configured.
 * Rejects with `config_invalid` where one cannot be read.
 */
export async function readApprovals(config: Config, logger: Logger): Promise<Approvals | undefined> {
  const { dir, frozen } = config.manifest;
  if (dir === undefined) return undefined;
  // Most bridges have no manifest, and reading one takes the whole of YAML.
  const { readManifest } = await import('../manifest/read.ts');
  const read = async (folder: string): Promise<Approval> =>
    createApproval(await readManifest(folder), { frozen, logger });
  const shared = await read(dir);
  const names = [...viewsOf(config).keys()];
  const own = new Map<string, Approval>([[DEFAULT_VIEW, shared]]);
  for (const name of names) {
    const folder = join(dir, name);
    if (name !== DEFAULT_VIEW && (await isFolder(folder))) own.set(name, await read(folder));
  }
  const of = (view: string): Approval => own.get(view) ?? shared;
  return {
    of,
    approved: () => ({
      providers: mergeProviders([...own.values()].flatMap((approval) => approval.approved.providers)),
      problems: [],
    }),
    owns: (view) => own.has(view),
    status: () =>
      [...own.values()].map((approval) => ({
        ...approval.status(),
        views: names.filter((name) => of(name) === approval),
      })),
  };
}

/** One provider for all of the same identity, with the tools of each; of two declarations the first counts. */
function mergeProviders(providers: readonly ToolProvider[]): ToolProvider[] {
  const merged = new Map<string, ToolProvider>();
  for (const provider of providers) {
    const key = JSON.stringify([provider.type, provider.id]);
    const known = merged.get(key);
    const names = new Set(known?.tools.map(({ name }) => name));
    const further = provider.tools.filter(({ name }) => !names.has(name));
    if (known === undefined) merged.set(key, provider);
    else if (further.length > 0) merged.set(key, { ...known, tools: [...known.tools, ...further] });
  }
  return [...merged.values()];
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** What one view makes of the approved declarations. */
interface Approved {
  readonly credentials: CatalogListing['credentials'];
  /** By the identity of the tool. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** Names in one field of a log line. */
const MAX_NAMES = 50;

function createApproval(
  manifest: Manifest,
  { frozen, logger }: { readonly frozen: boolean; readonly logger: Logger },
): Approval {
  const { dir } = manifest;
  const listing: CatalogListing = { providers: manifest.catalog, problems: [] };
  const listed = new Set(manifest.tools.map(({ ref }) => identityOf(ref)));
  const isListed = ({ ref }: PublishedTool): boolean => listed.has(identityOf(ref));
  const approved = new WeakMap<ViewConfig, Approved>();
  let status: Omit<ManifestStatus, 'views'> = { dir, frozen, comparedAt: undefined, difference: undefined };
  let told = '';
  let compared: { readonly registry: Registry; readonly providers: readonly ToolProvider[] } | undefined;

  /** The hashes of what a view makes of the approved declarations: its rules are the operator's own. */
  function hashesOf(config: ViewConfig, { credentials }: CatalogListing): Approved['hashes'] {
    const known = approved.get(config);
    if (known !== undefined && known.credentials === credentials) return known.hashes;
    const extras = { counted: listed, ...(credentials !== undefined && { credentials }) };
    const { tools } = buildRegistry(manifest.catalog, config, extras);
    const hashes = new Map(
      tools.filter(isListed).map((tool) => [identityOf(tool.ref), toolHash(tool)] as const),
    );
    approved.set(config, { credentials, hashes });
    return hashes;
  }

  /** Those tools of a registry that are right, with the reasons for which others are withheld. */
  function narrowed(
    registry: Registry,
    isRight: (tool: PublishedTool) => boolean,
    reasons: readonly WithheldTool[],
    rule: string,
  ): Registry {
    const tools = registry.tools.filter(isRight);
    if (tools.length === registry.tools.length) return registry;
    const served = new Map(tools.map((tool) => [tool.name, tool]));
    const withheld = reasons.filter(({ name }) => !served.has(name));
    for (const item of withheld) {
      const tool = registry.get(item.name);
      if (tool !== undefined) rememberLastRule(tool, item, rule);
    }
    return Object.freeze({
      tools: Object.freeze(tools),
      withheld: Object.freeze([...registry.withheld, ...withheld].sort(byName)),
      notes: registry.notes,
      fingerprint: listFingerprint(tools),
      get(name: string) {
        const tool = registry.get(name);
        return tool === undefined ? undefined : served.get(tool.name);
      },
    });
  }

  let latest: { readonly of: readonly ToolProvider[]; readonly changes: UnpublishedChanges } | undefined;
  /** Approval and comparison ask for the same listing. */
  function changesIn(providers: readonly ToolProvider[]): UnpublishedChanges {
    if (latest?.of !== providers) latest = { of: providers, changes: unpublishedIn(manifest, providers) };
    return latest.changes;
  }

  return {
    listing,
    approved: { providers: manifest.providers, problems: [] },
    counted: frozen ? listed : undefined,

    approve(registry, config, source) {
      if (source.providers === listing.providers) {
        const detail = `It is not among the approved tools in ${dir}. "manifest pull" approves what is published.`;
        const reasons = registry.tools.map(
          ({ name, title, ref }): WithheldTool =>
            Object.freeze({ name, title, ref, reason: 'hidden', detail }),
        );
        return narrowed(registry, isListed, reasons, 'manifest.dir: it is not among the approved tools');
      }
      if (!frozen) return registry;
      const recorded = frozenView(manifest, registry, changesIn(source.providers));
      const hashes = hashesOf(config, source);
      const isApproved = (tool: PublishedTool): boolean =>
        recorded.allowed(tool) ||
        (recorded.sendsTheSame(tool) && hashes.get(identityOf(tool.ref)) === toolHash(tool));
      return narrowed(
        registry,
        isApproved,
        recorded.withheld,
        'manifest.frozen: true, and it is not as it was approved',
      );
    },

    compare(registry, providers) {
      if (compared?.registry === registry && compared.providers === providers) {
        status = { ...status, comparedAt: new Date() };
        return;
      }
      compared = { registry, providers };
      const difference = compareManifest(manifest, registry, changesIn(providers));
      status = { ...status, comparedAt: new Date(), difference };
      const { added, removed, changed } = difference;
      // A tool that changes once more is another difference, though its name stands there already.
      const text = JSON.stringify([
        removed,
        ...[...added, ...changed].map(({ name }) => hashOf(registry, name)),
        ...changed.map(({ unpublished }) => unpublished),
      ]);
      if (text === told) return;
      const isFirst = told === '';
      told = text;
      if (difference.same) {
        logger[isFirst ? 'debug' : 'info']('The tools in Dify are as they were approved', { dir });
        return;
      }
      const message = frozen
        ? 'Tools are not as they were approved, and are withheld'
        : 'Tools are not as they were approved, and are served all the same';
      const advice = 'Review them with "manifest diff", approve them with "manifest pull".';
      logger.warn(message, { dir, ...summaryOf(difference), advice });
    },

    status: () => status,
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

/** The names of a difference, for a log line. */
function summaryOf({ added, removed, changed }: ManifestDifference) {
  const names = (tools: readonly { readonly name: string }[]): string[] =>
    tools.slice(0, MAX_NAMES).map(({ name }) => name);
  return {
    count: added.length + removed.length + changed.length,
    added: names(added),
    removed: names(removed),
    changed: names(changed),
  };
}

function hashOf(registry: Registry, name: string): string {
  const tool = registry.get(name);
  return tool === undefined ? name : toolHash(tool);
}
