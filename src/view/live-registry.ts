import { asBridgeError, BridgeError } from '../model/errors.ts';
import { type Logger, silentLogger } from '../model/logger.ts';
import type { CatalogListing } from '../model/ports.ts';
import type { Registry, RegistrySource } from '../model/registry.ts';

/** How snapshots are made and how long a reader waits for the first one. */
export interface LiveRegistryOptions {
  readonly build: (listing: CatalogListing) => Registry;
  /** Milliseconds that `ready` waits for the first snapshot. */
  readonly waitMs: number;
  readonly logger?: Logger;
}

/**
 * The registry as it is now. It counts as loading until the first `fail`, and from each `begin` to the `update` or
 * `fail` that ends it.
 *
 * Listeners hear of every change of the fingerprint. The first snapshot is no change for somebody who waited for
 * it; they hear of it only if `ready` had to turn somebody away before, so that he asks again.
 */
export interface LiveRegistry extends RegistrySource {
  /** A load begins. */
  begin(): void;
  /**
   * A load ended well: the snapshot is swapped as a whole, or kept if it cannot be built or if providers and
   * credentials are the very objects of before. Never throws.
   */
  update(listing: CatalogListing): void;
  /** The same where `build` depends on more than the listing, and that has changed: always builds. */
  rebuild(listing: CatalogListing): void;
  /** A load failed: the snapshot stays; before the first one, those who wait get an error that says why. */
  fail(error: BridgeError): void;
}

interface Waiter {
  readonly resolve: (registry: Registry) => void;
  readonly reject: (error: BridgeError) => void;
}

/** A registry without a snapshot. */
export function createLiveRegistry(options: LiveRegistryOptions): LiveRegistry {
  const { build, waitMs, logger = silentLogger } = options;
  const listeners = new Set<(registry: Registry) => void>();
  const waiters = new Set<Waiter>();
  let snapshot: Registry | undefined;
  let source: CatalogListing | undefined;
  let failure: BridgeError | undefined;
  let loading = true;
  let turnedAway = false;

  function notify(registry: Registry): void {
    // Whoever comes while they are told hears of the next change.
    for (const listener of Array.from(listeners)) {
      try {
        listener(registry);
      } catch (error) {
        logger.error('A listener failed on a change of the tools', { error });
      }
    }
  }

  function turnAway(waiter: Waiter): void {
    turnedAway = true;
    waiter.reject(unavailable(failure, waitMs));
  }

  function fail(error: BridgeError): void {
    loading = false;
    failure = error;
    if (snapshot !== undefined) return;
    for (const waiter of waiters) turnAway(waiter);
  }

  function swap(listing: CatalogListing): void {
    let next: Registry;
    try {
      next = build(listing);
    } catch (thrown) {
      logger.error('The registry could not be built from what Dify listed', { error: thrown });
      fail(asBridgeError(thrown));
      return;
    }
    const changed = snapshot === undefined ? turnedAway : snapshot.fingerprint !== next.fingerprint;
    snapshot = next;
    loading = false;
    for (const waiter of waiters) waiter.resolve(next);
    if (changed) notify(next);
  }

  return {
    current: () => snapshot,

    ready(signal) {
      if (snapshot !== undefined) return Promise.resolve(snapshot);
      return new Promise((resolve, reject) => {
        let timer: NodeJS.Timeout | undefined;
        const settle = (): void => {
          clearTimeout(timer);
          waiters.delete(waiter);
          signal?.removeEventListener('abort', onAbort);
        };
        const waiter: Waiter = {
          resolve: (registry) => {
            settle();
            resolve(registry);
          },
          reject: (error) => {
            settle();
            reject(error);
          },
        };
        const onAbort = (): void => waiter.reject(cancelled(signal));
        if (signal?.aborted) {
          onAbort();
        } else if (!loading) {
          turnAway(waiter);
        } else {
          waiters.add(waiter);
          signal?.addEventListener('abort', onAbort, { once: true });
          timer = setTimeout(() => turnAway(waiter), waitMs);
        }
      });
    },

    onChange(listener) {
      // A wrapper of its own, so that a function registered twice is two listeners.
      const own = (registry: Registry): void => listener(registry);
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },

    begin() {
      loading = true;
    },

    update(listing) {
      const isSame = source?.providers === listing.providers && source.credentials === listing.credentials;
      source = listing;
      if (isSame && snapshot !== undefined) loading = false;
      else swap(listing);
    },

    rebuild(listing) {
      source = listing;
      swap(listing);
    },

    fail,
  };
}

function unavailable(failure: BridgeError | undefined, waitMs: number): BridgeError {
  if (failure === undefined) {
    const message = `Dify has not listed its tools within ${waitMs / 1000} s.`;
    return new BridgeError('catalog_unavailable', message, {
      hint: 'Ask again in a moment. If it goes on, check that Dify answers at DIFY_API_URL.',
    });
  }
  return new BridgeError('catalog_unavailable', `The tools could not be loaded. ${failure.message}`, {
    ...(failure.hint === undefined ? {} : { hint: failure.hint }),
    problems: failure.problems,
    ...(failure.upstream === undefined ? {} : { upstream: failure.upstream }),
    cause: failure,
  });
}

function cancelled(signal: AbortSignal | undefined): BridgeError {
  return new BridgeError('cancelled', 'The request ended before the tools were loaded.', {
    cause: signal?.reason,
  });
}
