import type { Config } from '../config/schema.ts';
import { DEFAULT_VIEW, type ViewConfig, viewsOf } from '../config/views.ts';
import type { ManifestDifference } from '../manifest/compare.ts';
import type { BridgeError } from '../model/errors.ts';
import type { CatalogListing } from '../model/ports.ts';
import { ApprovalReview } from './approval-review.ts';
import type { Approvals } from './approvals.ts';
import { credentialProviders } from './credentials.ts';
import type { ViewSettings } from './derive.ts';
import { SettingWarnings } from './setting-warnings.ts';
import { View, type ViewOptions } from './view.ts';

/** The settings that say which views there are. */
export type ViewsConfig = Pick<Config, 'tools' | 'views'>;

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

export interface ViewsOptions extends Omit<ViewOptions, 'name' | 'settings'> {
  readonly config: ViewsConfig;
  /** What holds for every view without being a setting. */
  readonly common: Pick<ViewConfig, 'fileSources'>;
  readonly approvals: Approvals | undefined;
  /** Dify cannot be asked for its tools: the approved ones are all that there is. */
  readonly offline: boolean;
}

/** All views of a bridge, the default one first, kept up to date with one catalogue. */
export class Views {
  readonly #options: ViewsOptions;
  readonly #views = new Map<string, View>();
  readonly #warnings: SettingWarnings;
  #config: ViewsConfig;
  #approvals: Approvals | undefined;
  #reviews: ReadonlyMap<string, ApprovalReview> = new Map();
  /** What Dify has listed; undefined before its first answer. */
  #listing: CatalogListing | undefined;
  #hasAnswer = false;

  constructor(options: ViewsOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#warnings = new SettingWarnings(options.logger);
    this.#setApprovals(options.approvals);
    for (const [name, config] of viewsOf(this.#config, options.common)) this.#add(name, config);
  }

  /** As they are at any time: `apply` may change them. */
  get byName(): ReadonlyMap<string, View> {
    return this.#views;
  }

  get default(): View {
    return this.#views.get(DEFAULT_VIEW) as View;
  }

  /** What was approved for the default view, in place of a catalogue. */
  get approvedListing(): CatalogListing | undefined {
    return this.default.settings.approval?.listing;
  }

  /** The approved tools that are served, those of the default view first; none where none are configured. */
  manifests(): readonly ManifestStatus[] {
    return [...(this.#approvals?.own ?? [])].map(([owner, approval]) => {
      const { comparedAt, difference } = this.#reviews.get(owner) ?? {};
      const { dir, frozen } = approval;
      const views = [...this.#views.keys()].filter((name) => this.#approvals?.of(name) === approval);
      return { views, dir, frozen, comparedAt, difference };
    });
  }

  /** The providers whose credentials some view has to know: see `credentialProviders`. */
  wantedCredentials(listing: CatalogListing): ReadonlySet<string> {
    const all = [...viewsOf(this.#config, this.#options.common).values()];
    return new Set(all.flatMap((config) => [...credentialProviders(listing, config)]));
  }

  /** Serves what was approved until Dify has answered. */
  start(): void {
    for (const view of this.#views.values()) {
      const { approval } = view.settings;
      if (approval !== undefined) view.update(approval.listing);
    }
  }

  /** A load of the catalogue has begun. */
  begin(): void {
    for (const view of this.#views.values()) view.begin();
  }

  update(listing: CatalogListing): void {
    this.#hasAnswer = true;
    if (!this.#options.offline) this.#listing = listing;
    for (const view of this.#views.values()) view.update(this.#listingFor(view.settings));
    this.#review(listing);
  }

  /** The catalogue could not be loaded. `listing` is the one before. */
  fail(error: BridgeError, listing: CatalogListing | undefined): void {
    this.#hasAnswer = true;
    for (const view of this.#views.values()) view.fail(error);
    this.#review(listing);
  }

  /** Announces the configuration of the next `apply`, so that the credentials which it names can be asked for before. */
  prepare(config: ViewsConfig): void {
    this.#config = config;
  }

  /** Goes over to the prepared configuration and to other approvals: adds, changes and removes views. */
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
    const view = new View({ ...this.#options, name, settings });
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

  /** What there is to publish: before Dify has answered, and where it is not asked, what was approved. */
  #listingFor({ approval }: ViewSettings): CatalogListing | undefined {
    return this.#listing ?? approval?.listing;
  }

  /** Holds the tools that there are against the settings, and the live workspace against what was approved. */
  #review(listing: CatalogListing | undefined): void {
    // What was approved comes first, without the credentials that Dify has: it counts where Dify does not answer.
    if (!this.#hasAnswer) return;
    this.#warnings.review(this.#views.values(), listing?.problems ?? []);
    if (this.#listing === undefined) return;
    for (const [name, review] of this.#reviews) {
      const built = this.#views.get(name)?.comparable();
      if (built !== undefined) review.compare(built, this.#listing.providers);
    }
  }
}
