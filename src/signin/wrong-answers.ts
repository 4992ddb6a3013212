import { BridgeError } from '../model/errors.ts';
import type { RateStore } from '../model/ports.ts';
import { createLimiter } from './limiter.ts';
import type { SignInKeys } from './sealing.ts';

/** Dify locks an account for a day after six wrong passwords. */
const WRONG_ANSWERS = { points: 5, duration: 3600 };

/** Limits wrong passwords and codes by e-mail address, so that nobody locks an account in Dify through the bridge. */
export class WrongAnswers {
  readonly #keys: Pick<SignInKeys, 'nameOf'>;
  readonly #limiter: ReturnType<typeof createLimiter>;

  constructor(keys: Pick<SignInKeys, 'nameOf'>, rates: RateStore | undefined) {
    this.#keys = keys;
    this.#limiter = createLimiter(WRONG_ANSWERS, rates);
  }

  /** Rejects if an address has had too many. */
  async check(email: string): Promise<void> {
    const { remainingPoints } = await this.#limiter.consume(this.#nameOf(email), 0).catch(tooMany);
    if (remainingPoints === 0) tooMany();
  }

  /** Runs a step that a wrong answer makes fail, if the address has not had too many. */
  async guard<T>(email: string, step: () => Promise<T>): Promise<T> {
    // Counted before, so that many requests at once are not more attempts.
    const { consumedPoints } = await this.#limiter.consume(this.#nameOf(email)).catch(tooMany);
    const answer = await step();
    await this.#limiter.reward(this.#nameOf(email), consumedPoints);
    return answer;
  }

  /** The shared store contains addresses only as hashes. */
  #nameOf(email: string): string {
    return this.#keys.nameOf('wrong answers', email.toLowerCase());
  }
}

function tooMany(): never {
  const message = 'There were too many wrong answers for this e-mail address.';
  throw new BridgeError('upstream_rate_limited', message, {
    hint: 'Wait an hour, or set a new password in Dify.',
  });
}
