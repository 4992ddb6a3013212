import type { ViewConfig } from '../config/views.ts';
import { compareManifest, type ManifestDifference } from '../manifest/compare.ts';
import { frozenView } from '../manifest/frozen.ts';
import { toolHash } from '../manifest/hash.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { type UnpublishedChanges, unpublishedIn } from '../manifest/unpublished.ts';
import type { CatalogListing } from '../model/ports.ts';
import type { PublishedTool, Registry, WithheldTool } from '../model/registry.ts';
import { identityOf, type ToolProvider } from '../model/tool.ts';
import { buildRegistry } from '../registry/build.ts';
import { rememberLastRule } from '../registry/explain.ts';
import { listFingerprint } from '../registry/fingerprint.ts';

type Credentials = CatalogListing['credentials'];

/** The hashes of the approved tools, by identity, as one view publishes them. */
interface ApprovedHashes {
  readonly credentials: Credentials;
  readonly hashes: ReadonlyMap<string, string>;
}

/** The approved tools of one folder, and the checks of Dify's tools against them. */
export class Approval {
  readonly dir: string;
  /** Whether only tools that match their approved version are served. */
  readonly frozen: boolean;
  /** The manifest's catalogue, for use in place of Dify's. It has more tools than were approved: see `approve`. */
  readonly listing: CatalogListing;
  /** The identities of the approved tools if `frozen`: only these take names and count towards limits. */
  readonly counted: ReadonlySet<string> | undefined;
  readonly #manifest: Manifest;
  readonly #listed: ReadonlySet<string>;
  readonly #hashes = new Map<ViewConfig, ApprovedHashes>();
  #changes: { readonly of: readonly ToolProvider[]; readonly in: UnpublishedChanges } | undefined;

  constructor(manifest: Manifest, frozen: boolean) {
    this.dir = manifest.dir;
    this.frozen = frozen;
    this.listing = { providers: manifest.catalog, problems: [] };
    this.#manifest = manifest;
    this.#listed = new Set(manifest.tools.map(({ ref }) => identityOf(ref)));
    this.counted = frozen ? this.#listed : undefined;
  }

  /** The providers, with only their approved tools. */
  get providers(): readonly ToolProvider[] {
    return this.#manifest.providers;
  }

  /**
   * Returns the part of a view's registry that may be served. From the manifest's own listing, that is the approved
   * tools. From Dify's listing, it is all tools, or those that match their approved version if the manifest is frozen.
   */
  approve(registry: Registry, config: ViewConfig, listing: CatalogListing): Registry {
    if (listing.providers === this.listing.providers) return this.#withoutUnapproved(registry);
    return this.frozen ? this.#withoutChanged(registry, config, listing) : registry;
  }

  /** Returns how the tools of a view differ from the approved ones. */
  compare(registry: Registry, providers: readonly ToolProvider[]): ManifestDifference {
    return compareManifest(this.#manifest, registry, this.#changesIn(providers));
  }

  /** Withholds tools that the manifest lists only because the names of others depend on them. */
  #withoutUnapproved(registry: Registry): Registry {
    const detail = `It is not among the approved tools in ${this.dir}. "manifest pull" approves all published tools.`;
    const reasons = registry.tools.map(
      ({ name, title, ref }): WithheldTool => Object.freeze({ name, title, ref, reason: 'hidden', detail }),
    );
    const isListed = ({ ref }: PublishedTool): boolean => this.#listed.has(identityOf(ref));
    return narrowed(registry, isListed, reasons, 'manifest.dir: it is not among the approved tools');
  }

  #withoutChanged(registry: Registry, config: ViewConfig, listing: CatalogListing): Registry {
    const recorded = frozenView(this.#manifest, registry, this.#changesIn(listing.providers));
    const hashes = this.#hashesFor(config, listing.credentials);
    const isApproved = (tool: PublishedTool): boolean =>
      recorded.allowed(tool) ||
      (recorded.sendsTheSame(tool) && hashes.get(identityOf(tool.ref)) === toolHash(tool));
    const rule = 'manifest.frozen: true, and it differs from its approved version';
    return narrowed(registry, isApproved, recorded.withheld, rule);
  }

  /** Hashes the approved tools after the view's rules, because the operator may change those without a new approval. */
  #hashesFor(config: ViewConfig, credentials: Credentials): ApprovedHashes['hashes'] {
    const known = this.#hashes.get(config);
    if (known !== undefined && known.credentials === credentials) return known.hashes;
    const extras = { counted: this.#listed, ...(credentials !== undefined && { credentials }) };
    const { tools } = buildRegistry(this.#manifest.catalog, config, extras);
    const approved = tools.map((tool) => [identityOf(tool.ref), tool] as const);
    const hashes = new Map(
      approved.filter(([key]) => this.#listed.has(key)).map(([key, tool]) => [key, toolHash(tool)]),
    );
    this.#hashes.set(config, { credentials, hashes });
    return hashes;
  }

  /** Returns the changes in a listing. Caches the last ones, because approval and comparison use the same listing. */
  #changesIn(providers: readonly ToolProvider[]): UnpublishedChanges {
    if (this.#changes?.of !== providers) {
      this.#changes = { of: providers, in: unpublishedIn(this.#manifest, providers) };
    }
    return this.#changes.in;
  }
}

/** Returns a registry with only the tools that `isRight` accepts; the others are withheld for the given reasons. */
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

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}
