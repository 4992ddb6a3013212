import type { Config } from '../config/schema.ts';
import { DEFAULT_VIEW, type ViewConfig, viewsOf } from '../config/views.ts';
import { viewId } from '../config/workspaces.ts';
import type { ManifestDifference } from '../manifest/compare.ts';
import type { BridgeError } from '../model/errors.ts';
import type { CatalogListing } from '../model/ports.ts';
import { nameTools } from '../registry/names.ts';
import { matchPresets } from '../registry/preset-match.ts';
import { ApprovalReview } from './approval-review.ts';
import type { Approval } from './approval.ts';
import type { Approvals } from './approvals.ts';
import type { ViewSettings } from './derive.ts';
import { SettingWarnings } from './setting-warnings.ts';
import { View, type ViewOptions } from './view.ts';

export type ViewsConfig = Pick<Config, 'tools' | 'views' | 'limits' | 'own'>;

/** A folder of approved tools, and how Dify's tools differ from them. */
export interface ManifestStatus extends Pick<Approval, 'dir' | 'frozen'> {
  /** The views that use this folder. Views without a folder of their own use that of the default view. */
  readonly views: readonly string[];
  /** When Dify's tools were last compared; undefined before the first comparison. */
  readonly comparedAt: Date | undefined;
  /** The result of the last comparison. */
  readonly difference: ManifestDifference | undefined;
}

export interface ViewsOptions extends Omit<ViewOptions, 'name' | 'id' | 'settings'> {
  /** The name of the workspace that they belong to. */
  readonly workspace: string;
  readonly config: ViewsConfig;
  /** Values that hold for every view and are not settings of views. */
  readonly common: Pick<ViewConfig, 'fileSources'>;
  readonly approvals: Approvals | undefined;
  /** Whether Dify cannot be asked for its tools, so that the approved ones are the only source. */
  readonly offline: boolean;
}

/** All views of a workspace, the default one first. One catalogue updates all of them. */
export class Views {
  readonly #options: ViewsOptions;
  readonly #views = new Map<string, View>();
  readonly #warnings: SettingWarnings;
  #config: ViewsConfig;
  #approvals: Approvals | undefined;
  #reviews: ReadonlyMap<string, ApprovalReview> = new Map();
  /** Dify's last listing; undefined before its first answer. */
  #listing: CatalogListing | undefined;
  #hasAnswer = false;

  constructor(options: ViewsOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#warnings = new SettingWarnings(options.logger);
    this.#setApprovals(options.approvals);
    for (const [name, config] of viewsOf(this.#config, options.common)) this.#add(name, config);
  }

  /** The views by name. A live map: `apply` changes it. */
  get byName(): ReadonlyMap<string, View> {
    return this.#views;
  }

  get default(): View {
    return this.#views.get(DEFAULT_VIEW) as View;
  }

  /** The approved tools of the default view, for use in place of Dify's catalogue. */
  get approvedListing(): CatalogListing | undefined {
    return this.default.settings.approval?.listing;
  }

  /** Returns the folders of approved tools, that of the default view first; none if none is configured. */
  manifests(): readonly ManifestStatus[] {
    return [...(this.#approvals?.own ?? [])].map(([owner, approval]) => {
      const { comparedAt, difference } = this.#reviews.get(owner) ?? {};
      const { dir, frozen } = approval;
      const views = [...this.#views.keys()].filter((name) => this.#approvals?.of(name) === approval);
      return { views, dir, frozen, comparedAt, difference };
    });
  }

  /** Returns the IDs of the providers whose credentials a view needs, because a preset names one for a tool of theirs. */
  wantedCredentials(listing: CatalogListing): ReadonlySet<string> {
    const all = [...viewsOf(this.#config, this.#options.common).values()];
    return new Set(all.flatMap((config) => credentialProviders(listing, config)));
  }

  /** Serves the approved tools until Dify has answered. */
  start(): void {
    for (const view of this.#views.values()) {
      const { approval } = view.settings;
      if (approval !== undefined) view.update(approval.listing);
    }
  }

  begin(): void {
    for (const view of this.#views.values()) view.begin();
  }

  update(listing: CatalogListing): void {
    this.#hasAnswer = true;
    if (!this.#options.offline) this.#listing = listing;
    for (const view of this.#views.values()) view.update(this.#listingFor(view.settings));
    this.#review(listing);
  }

  /** Ends a load of the catalogue that failed. `listing` is the previous one. */
  fail(error: BridgeError, listing: CatalogListing | undefined): void {
    this.#hasAnswer = true;
    for (const view of this.#views.values()) view.fail(error);
    this.#review(listing);
  }

  /** Sets the configuration of the next `apply`, so that the credentials it names can be fetched first. */
  prepare(config: ViewsConfig): void {
    this.#config = config;
  }

  /** Applies the prepared configuration and new approvals: adds, changes and removes views. */
  apply(approvals: Approvals | undefined, listing: CatalogListing | undefined): void {
    this.#setApprovals(approvals);
    const wanted = viewsOf(this.#config, this.#options.common);
    for (const name of this.#views.keys()) if (!wanted.has(name)) this.#views.delete(name);
    for (const [name, config] of wanted) {
      const view = this.#views.get(name) ?? this.#add(name, config);
      const settings = { config, approval: approvals?.of(name) };
      view.update(this.#listingFor(settings), settings);
    }
    this.#review(listing);
  }

  #add(name: string, config: ViewConfig): View {
    const settings = { config, approval: this.#approvals?.of(name) };
    const id = viewId(this.#options.workspace, name);
    const view = new View({ ...this.#options, name, id, settings });
    this.#views.set(name, view);
    return view;
  }

  #setApprovals(approvals: Approvals | undefined): void {
    this.#approvals = approvals;
    const own = [...(approvals?.own ?? [])];
    this.#reviews = new Map(
      own.map(([name, approval]) => [name, new ApprovalReview(approval, this.#options.logger)]),
    );
  }

  /** Returns Dify's listing, or the approved tools if Dify has not answered or is not asked. */
  #listingFor({ approval }: ViewSettings): CatalogListing | undefined {
    return this.#listing ?? approval?.listing;
  }

  /** Checks the settings against the available tools, and Dify's tools against the approved ones. */
  #review(listing: CatalogListing | undefined): void {
    // Until a load has succeeded or failed, the views have only the approved tools, without Dify's credentials.
    if (!this.#hasAnswer) return;
    this.#warnings.review(this.#views.values(), listing?.problems ?? []);
    if (this.#listing === undefined) return;
    for (const [name, review] of this.#reviews) {
      const built = this.#views.get(name)?.comparable();
      if (built !== undefined) review.compare(built, this.#listing.providers);
    }
  }
}

function credentialProviders({ providers }: CatalogListing, config: ViewConfig): string[] {
  if (Object.values(config.presets).every(({ credential }) => credential === undefined)) return [];
  const { tools } = nameTools(providers, config.maxNameLength);
  const { byTool } = matchPresets(tools, config);
  return tools
    .filter((tool) => tool.provider.type === 'builtin' && byTool.get(tool)?.credential !== undefined)
    .map(({ provider }) => provider.id);
}
