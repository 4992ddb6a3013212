import { setImmediate as nextTurn } from 'node:timers/promises';
import { type HttpView, ServedView, type ServedViewOptions } from './served-view.ts';

/** Views that are served now, and those whose calls are still ending. */
export class ServedViews {
  readonly #options: ServedViewOptions;
  readonly #served = new Map<HttpView, ServedView>();
  readonly #leaving = new Set<Promise<void>>();

  constructor(options: ServedViewOptions) {
    this.#options = options;
  }

  get all(): readonly ServedView[] {
    return [...this.#served.values()];
  }

  /** Serves a view from now on, unless it is served already. */
  serve(view: HttpView): ServedView {
    const served = this.#served.get(view) ?? new ServedView(view, this.#options);
    this.#served.set(view, served);
    return served;
  }

  /** Stops serving all views but these, as `end` does. */
  async keepOnly(views: ReadonlySet<HttpView>, graceMs: number): Promise<void> {
    const gone = [...this.#served.keys()].filter((view) => !views.has(view));
    await this.end(gone, graceMs);
  }

  /** Stops serving views at once; their running calls have `graceMs` to end, then their sessions end. */
  async end(views: readonly HttpView[], graceMs: number): Promise<void> {
    const gone = views.flatMap((view) => this.#served.get(view) ?? []);
    for (const view of views) this.#served.delete(view);
    await Promise.all(
      gone.map((active) => {
        const left = leave(active, graceMs).finally(() => this.#leaving.delete(left));
        this.#leaving.add(left);
        return left;
      }),
    );
  }

  /** Resolves when the views that are no longer served have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#leaving);
  }
}

async function leave(view: ServedView, graceMs: number): Promise<void> {
  view.endAnnouncements();
  await view.idle(graceMs);
  // A call counts as ended just before its answer is written.
  await nextTurn();
  await view.close();
}
