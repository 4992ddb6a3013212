import type { BridgeError } from '../model/errors.ts';
import type { PublishedTool } from '../model/registry.ts';
import type { BreakerState } from '../model/status.ts';
import { type BreakerOptions, Breakers } from './breakers.ts';
import { FairSlots, type SlotLimits } from './fair-slots.ts';
import type { RateStore } from '../model/ports.ts';
import { RateLimits } from './rate-limits.ts';

/** The view through which a call came, with its limits. */
export interface CalledView {
  readonly name: string;
  /** Default: as many as can run. */
  readonly callsPerView?: number | undefined;
  readonly ratePerView: number;
}

export interface CallLimitsOptions extends SlotLimits {
  /** Calls are counted within it: the workspace. */
  readonly scope: string;
  readonly ratePerPrincipal: number;
  readonly ratePerProvider: number;
  readonly breaker: BreakerOptions;
  /** Counts the calls of all replicas. Without it, this process counts its own. */
  readonly rates?: RateStore | undefined;
}

export interface LimitedCall {
  readonly tool: Pick<PublishedTool, 'ref' | 'providerLabel'>;
  readonly principal: string;
  readonly view: CalledView;
}

/** A call with a slot. */
export interface CallSlot {
  /** Dify sent something. */
  readonly answered: () => void;
  /** Ends the call, with the failure if it has one, and releases its slot. Call it once. */
  readonly release: (failure: BridgeError | undefined) => void;
}

/** Decides whether and when a call may run, for each principal, view and provider. */
export class CallLimits {
  readonly #options: CallLimitsOptions;
  readonly #slots: FairSlots;
  readonly #rates: RateLimits;
  readonly #breakers: Breakers;

  constructor(options: CallLimitsOptions) {
    this.#options = options;
    this.#slots = new FairSlots(options);
    this.#rates = new RateLimits(options.scope, options.rates);
    this.#breakers = new Breakers(options.breaker);
  }

  /** The calls that have a slot. */
  get running(): number {
    return this.#slots.running;
  }

  /** The circuit breakers of the providers that have been called. */
  breakers(): readonly BreakerState[] {
    return this.#breakers.states();
  }

  /**
   * Resolves when the call may run. Rejects with `provider_unavailable`, `rate_limited` or `busy`, and with the signal's
   * reason if the signal is aborted first.
   */
  async enter({ tool, principal, view }: LimitedCall, signal: AbortSignal): Promise<CallSlot> {
    const { maxConcurrent, ratePerPrincipal, ratePerProvider } = this.#options;
    const { ref, providerLabel } = tool;
    const provider = `${ref.providerType} ${ref.providerId}`;
    const target = { provider, providerLabel };
    signal.throwIfAborted();
    this.#breakers.check(target);
    // A principal that is refused takes nothing from the others.
    await this.#rates.count([
      { kind: 'principal', name: principal, perMinute: ratePerPrincipal },
      { kind: 'view', name: view.name, perMinute: view.ratePerView },
      { kind: 'provider', name: provider, perMinute: ratePerProvider },
    ]);
    const { name, callsPerView: maxPerView = maxConcurrent } = view;
    const release = await this.#slots.acquire({ principal, view: name, maxPerView, provider }, signal);
    try {
      const { answered, ended } = this.#breakers.enter(target);
      return {
        answered,
        release(failure) {
          ended(failure);
          release();
        },
      };
    } catch (error) {
      release();
      throw error;
    }
  }
}
