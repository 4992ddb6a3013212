import type { ViewConfig } from '../config/views.ts';
import { compareManifest, type ManifestDifference, whyUnapproved } from '../manifest/compare.ts';
import { toolHash } from '../manifest/hash.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { type UnpublishedChanges, unpublishedIn } from '../manifest/unpublished.ts';
import { compare } from '../model/compare.ts';
import type { CatalogListing } from '../model/ports.ts';
import type { PublishedTool, Registry, WithheldTool } from '../model/registry.ts';
import { listFingerprint } from '../model/tool-definition.ts';
import { identityOf, type ToolProvider } from '../model/tool.ts';
import { buildRegistry } from '../registry/build.ts';

type Credentials = CatalogListing['credentials'];

/** Hashes of approved tools by identity. */
type Hashes = ReadonlyMap<string, string>;

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
  /** The hashes of the approved tools as each view publishes them. */
  readonly #hashes = new Map<ViewConfig, { readonly credentials: Credentials; readonly hashes: Hashes }>();
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
    const why = ({ ref }: PublishedTool) => (this.#listed.has(identityOf(ref)) ? undefined : detail);
    return narrowed(registry, why, 'manifest.dir: it is not among the approved tools');
  }

  #withoutChanged(registry: Registry, config: ViewConfig, listing: CatalogListing): Registry {
    const hashes = this.#hashesFor(config, listing.credentials);
    const why = whyUnapproved(this.#manifest, this.#changesIn(listing.providers), hashes);
    return narrowed(registry, why, 'manifest.frozen: true, and it differs from its approved version');
  }

  /** Hashes the approved tools after the view's rules, because the operator may change those without a new approval. */
  #hashesFor(config: ViewConfig, credentials: Credentials): Hashes {
    const known = this.#hashes.get(config);
    if (known !== undefined && known.credentials === credentials) return known.hashes;
    const { tools } = buildRegistry(this.#manifest.catalog, config, { counted: this.#listed, credentials });
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

/** Returns a registry without the tools that have a reason to be withheld. */
function narrowed(
  registry: Registry,
  whyNot: (tool: PublishedTool) => string | undefined,
  rule: string,
): Registry {
  const tools: PublishedTool[] = [];
  const withheld = [...registry.withheld];
  const explanations = new Map(registry.explanations);
  for (const tool of registry.tools) {
    const detail = whyNot(tool);
    if (detail === undefined) {
      tools.push(tool);
      continue;
    }
    const { name, title, ref } = tool;
    const item: WithheldTool = Object.freeze({ name, title, ref, reason: 'hidden', detail });
    withheld.push(item);
    const known = registry.explanations.get(tool);
    if (known !== undefined) explanations.set(item, { ...known, rules: [...known.rules, rule] });
  }
  if (tools.length === registry.tools.length) return registry;
  const served = new Set(tools);
  return Object.freeze({
    tools: Object.freeze(tools),
    withheld: Object.freeze(withheld.sort((a, b) => compare(a.name, b.name))),
    notes: registry.notes,
    explanations,
    fingerprint: listFingerprint(tools),
    get(name: string) {
      const tool = registry.get(name);
      return tool !== undefined && served.has(tool) ? tool : undefined;
    },
  });
}
