import { isDeepStrictEqual } from 'node:util';
import { after, type Stop } from '../model/async.ts';
import { asBridgeError, BridgeError, type ErrorCode } from '../model/errors.ts';
import { type Logger, silentLogger } from '../model/logger.ts';
import type { CatalogListing, CatalogProblem, CatalogSource } from '../model/ports.ts';
import type { CatalogStatus } from '../model/registry.ts';
import { carryOver } from './carry-over.ts';
import { createStaleness } from './staleness.ts';

/** The source of a refresher, its timing, and the callbacks for its results. */
export interface CatalogRefresherOptions {
  readonly source: CatalogSource;
  /** A listing from before, used for parts that the first load cannot read. */
  readonly initial?: CatalogListing | undefined;
  /** Milliseconds from the end of one load to the start of the next. 0: only on demand and after failures. */
  readonly intervalMs: number;
  readonly onStart?: (() => void) | undefined;
  /** Called after a load, see `carryOver`. Unchanged providers are the same objects. Must not throw. */
  readonly onListing: (listing: CatalogListing) => void;
  /** Called when a load fails; the previous listing remains valid. Must not throw. */
  readonly onFailure?: ((error: BridgeError) => void) | undefined;
  readonly logger?: Logger | undefined;
  /** Returns a number from 0 up to, but not including, 1; Math.random when absent. */
  readonly random?: (() => number) | undefined;
}

export type CatalogRefresher = ReturnType<typeof createCatalogRefresher>;

/** Errors that a quick retry would only repeat: the next attempt waits for the whole interval. */
const PATIENT: ReadonlySet<ErrorCode> = new Set(['upstream_unauthorized', 'upstream_rate_limited']);
/** Milliseconds before the first attempt after a failure, doubled after each further failure. */
const BACKOFF_MS = 1_000;
/** The longest delay after failures if no interval is set. */
const DEFAULT_MAX_BACKOFF_MS = 60_000;
/** The fraction by which each delay varies at random. */
const JITTER = 0.1;

/** Returns a refresher that has not started. Its timers do not keep the process alive. */
export function createCatalogRefresher(options: CatalogRefresherOptions) {
  const { source, initial, intervalMs, logger = silentLogger, random = Math.random } = options;
  const stopping = new AbortController();
  const staleness = createStaleness();
  const createdAt = new Date();
  let status: CatalogStatus = { listing: initial, loadedAt: undefined, lastError: undefined, stale: [] };
  let running: Promise<CatalogListing> | undefined;
  let following: Promise<CatalogListing> | undefined;
  let stopTimer: Stop | undefined;
  let failures = 0;
  let lastReport = '';

  async function load(): Promise<CatalogListing> {
    stopTimer?.();
    options.onStart?.();
    let listing: CatalogListing;
    try {
      const found = await source.list(stopping.signal);
      if (stopping.signal.aborted) throw stopped();
      const whole = carryOver(status.listing, found);
      listing = withUnchanged(status.listing, whole.listing);
      staleness.loaded(whole.stale, status.loadedAt ?? createdAt);
    } catch (thrown) {
      throw failed(thrown);
    }
    status = { listing, loadedAt: new Date(), lastError: undefined, stale: staleness.parts() };
    report(listing.problems);
    // Retry early if the list of a whole type is missing.
    const complete = listing.problems.every(({ providerId }) => providerId !== undefined);
    failures = complete ? 0 : failures + 1;
    schedule(complete);
    options.onListing(listing);
    return listing;
  }

  function failed(thrown: unknown): BridgeError {
    if (stopping.signal.aborted) return stopped();
    const error = asBridgeError(thrown);
    const { listing, loadedAt } = status;
    if (listing !== undefined) staleness.failed(listing, loadedAt ?? createdAt, error.message);
    status = { ...status, lastError: error.toText(), stale: staleness.parts() };
    reportFailure(error);
    failures += 1;
    schedule(PATIENT.has(error.code));
    options.onFailure?.(error);
    return error;
  }

  function run(): Promise<CatalogListing> {
    const current = load().finally(() => {
      if (running === current) running = undefined;
    });
    running = current;
    return current;
  }

  async function runAfter(current: Promise<CatalogListing>): Promise<CatalogListing> {
    // The callers of that load get its error.
    await current.catch(() => undefined);
    following = undefined;
    if (stopping.signal.aborted) throw stopped();
    // Another caller may have started a load in between: it is fresh enough.
    return running ?? run();
  }

  function schedule(regular: boolean): void {
    const longest = intervalMs > 0 ? intervalMs : DEFAULT_MAX_BACKOFF_MS;
    if (failures === 0 && intervalMs <= 0) return;
    const delay = regular ? longest : Math.min(longest, BACKOFF_MS * 2 ** (failures - 1));
    const varied = delay * (1 + JITTER * (2 * random() - 1));
    // load() itself reports the outcome.
    stopTimer = after(varied, () => void run().catch(() => undefined), { ref: false });
  }

  /** Logs problems when they change, not at every load. */
  function report(problems: readonly CatalogProblem[]): void {
    const text = JSON.stringify(problems);
    if (lastReport !== text && problems.length > 0) {
      logger.warn('Dify could not list all tools', { problems });
    } else if (lastReport !== text && lastReport !== '' && problems.length === 0) {
      logger.info('Dify lists all tools again');
    }
    lastReport = problems.length === 0 ? '' : text;
  }

  function reportFailure(error: BridgeError): void {
    const text = error.toText();
    const fields = { code: error.code, reason: error.message, hint: error.hint, upstream: error.upstream };
    if (lastReport === text) logger.debug('The tools could still not be loaded from Dify', fields);
    else logger.warn('The tools could not be loaded from Dify', { ...fields, cause: error.cause });
    lastReport = text;
  }

  return {
    /** Loads now, then at every interval. */
    start(): void {
      if (stopping.signal.aborted || running !== undefined) return;
      run().catch(() => undefined);
    },
    /** Loads now, or joins the running load. With `fresh`, loads again after it: Dify may have changed. */
    refresh({ fresh = false }: { readonly fresh?: boolean } = {}): Promise<CatalogListing> {
      if (stopping.signal.aborted) return Promise.reject(stopped());
      if (running === undefined) return run();
      if (!fresh) return running;
      following ??= runAfter(running);
      return following;
    },
    status: (): CatalogStatus => status,
    /** Stops for good and aborts a running load. Its callers get `shutting_down`. */
    stop(): void {
      stopTimer?.();
      stopping.abort(stopped());
    },
  };
}

/** Returns the new listing, with the previous providers and credentials where they are equal. */
function withUnchanged(previous: CatalogListing | undefined, next: CatalogListing): CatalogListing {
  const { problems } = next;
  const same = <T>(before: T, now: T): T => (isDeepStrictEqual(before, now) ? before : now);
  const providers = same(previous?.providers ?? next.providers, next.providers);
  return { providers, problems, credentials: same(previous?.credentials, next.credentials) };
}

function stopped(): BridgeError {
  return new BridgeError('shutting_down', 'The bridge is stopping and no longer loads tools.');
}
