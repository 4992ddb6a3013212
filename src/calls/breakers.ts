import {
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  handleType,
} from 'cockatiel';
import type { BridgeError, ErrorCode } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { BreakerState } from '../model/status.ts';
import { refusedFor } from './call-errors.ts';

/** Codes by which Dify, or the way to it, failed. */
const UPSTREAM: ReadonlySet<ErrorCode> = new Set([
  'upstream_unreachable',
  'upstream_error',
  'upstream_unavailable',
  'upstream_not_ready',
  'stream_broken',
]);

/** Codes that show that Dify works: the tool failed, or Dify refused the call with a reason. */
const ANSWERED: ReadonlySet<ErrorCode> = new Set([
  'tool_failed',
  'tool_gone',
  'provider_unauthorized',
  'upstream_rejected',
  'upstream_rate_limited',
  'frame_too_large',
]);

/** An end that counts as a failure of the provider. */
class Failed extends Error {}

export interface BreakerOptions {
  /** Failures one after the other that open a breaker. */
  readonly failures: number;
  /** How long a breaker stays open before one call may try, in milliseconds. */
  readonly pauseMs: number;
  readonly logger: Logger;
}

export interface BreakerTarget {
  /** Identifies the provider. */
  readonly provider: string;
  /** The provider's name for a person. */
  readonly providerLabel: string;
}

/** A call that a breaker admitted. */
export interface Admitted {
  /** Dify sent something, so the provider works again. */
  readonly answered: () => void;
  /** The call ended, with the failure if it has one. */
  readonly ended: (failure: BridgeError | undefined) => void;
}

interface Breaker {
  readonly policy: CircuitBreakerPolicy;
  openUntil: number;
  /** Whether the last call failed that says something about the provider. */
  hasFailed: boolean;
  last?: BridgeError | undefined;
  /** What decides whether a breaker that was open closes. Several calls in turn may be the one that tries. */
  trial?: Trial | undefined;
  isTrying: boolean;
}

interface Trial {
  readonly succeed: () => void;
  readonly fail: (reason: Failed) => void;
}

/** A circuit breaker for each provider. Opens on failures of Dify, and closes after one call that Dify answers. */
export class Breakers {
  readonly #options: BreakerOptions;
  readonly #breakers = new Map<string, Breaker>();

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Returns the state of each provider that has been called. */
  states(): readonly BreakerState[] {
    return [...this.#breakers].map(([provider, { policy, openUntil }]) => {
      if (policy.state === CircuitState.Open) return { provider, state: 'open', until: new Date(openUntil) };
      return { provider, state: policy.state === CircuitState.HalfOpen ? 'half-open' : 'closed' };
    });
  }

  /** @throws BridgeError `provider_unavailable` if the provider's breaker is open, or another call is trying. */
  check({ provider, providerLabel }: BreakerTarget): void {
    const breaker = this.#breakers.get(provider);
    if (breaker === undefined || breaker.policy.state === CircuitState.Closed) return;
    const waitMs = breaker.isTrying ? this.#options.pauseMs : breaker.openUntil - Date.now();
    if (waitMs <= 0) return;
    const last = breaker.last === undefined ? '' : ` The last failure: ${breaker.last.message}`;
    const message = `${providerLabel} is not called at the moment, because its last calls failed in Dify or on the way to it.${last}`;
    throw refusedFor(waitMs, 'provider_unavailable', message);
  }

  /**
   * Admits a call that starts now. After the pause of an open breaker, the first one tries whether the provider works.
   * @throws BridgeError as `check` does.
   */
  enter(target: BreakerTarget): Admitted {
    this.check(target);
    const breaker = this.#breakerOf(target);
    return breaker.policy.state === CircuitState.Closed ? startCall(breaker) : startTrial(breaker);
  }

  #breakerOf({ provider, providerLabel }: BreakerTarget): Breaker {
    const known = this.#breakers.get(provider);
    if (known !== undefined) return known;
    const { failures, pauseMs, logger } = this.#options;
    const policy = circuitBreaker(handleType(Failed), {
      halfOpenAfter: pauseMs,
      breaker: new ConsecutiveBreaker(failures),
    });
    const breaker: Breaker = { policy, openUntil: 0, hasFailed: false, isTrying: false };
    policy.onBreak(() => {
      breaker.openUntil = Date.now() + pauseMs;
      logger.warn('A provider is not called for a while, because its calls fail', {
        provider: providerLabel,
        pauseMs,
        reason: breaker.last?.message,
      });
    });
    policy.onReset(() => logger.info('A provider is called again', { provider: providerLabel }));
    this.#breakers.set(provider, breaker);
    return breaker;
  }
}

/** A call of a closed breaker. Most calls change nothing, so only its end is reported, and only if it does. */
function startCall(breaker: Breaker): Admitted {
  return {
    answered: () => undefined,
    ended(failure) {
      const { policy } = breaker;
      const isAnswer = failure === undefined || ANSWERED.has(failure.code);
      if (!isAnswer && !UPSTREAM.has(failure.code)) return;
      if (policy.state !== CircuitState.Closed || (isAnswer && !breaker.hasFailed)) return;
      breaker.hasFailed = !isAnswer;
      if (!isAnswer) breaker.last = failure;
      const report = (): void => {
        if (!isAnswer) throw new Failed();
      };
      policy.execute(report).catch(() => undefined);
    },
  };
}

/** The call that shows whether the provider works again. */
function startTrial(breaker: Breaker): Admitted {
  const trial = (breaker.trial ??= beginTrial(breaker.policy));
  breaker.isTrying = true;
  let isOver = false;
  const ended = (failure?: BridgeError): void => {
    if (isOver) return;
    isOver = true;
    breaker.isTrying = false;
    const isAnswer = failure === undefined || ANSWERED.has(failure.code);
    // A call that its caller left, for example, says nothing: the next one tries in its place, without a wait.
    if (!isAnswer && !UPSTREAM.has(failure.code)) return;
    breaker.trial = undefined;
    if (isAnswer) return trial.succeed();
    breaker.last = failure;
    trial.fail(new Failed());
  };
  return { answered: () => ended(), ended };
}

function beginTrial(policy: CircuitBreakerPolicy): Trial {
  let succeed: Trial['succeed'] = () => undefined;
  let fail: Trial['fail'] = () => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    succeed = resolve;
    fail = reject;
  });
  policy.execute(() => promise).catch(() => undefined);
  return { succeed, fail };
}
