import { describe, expect, it } from 'vitest';
import { type Rate, RateLimits } from '../../../src/calls/rate-limits.ts';
import { errorOf } from '../../support/error-of.ts';

const rate = (kind: Rate['kind'], name: string, perMinute: number): Rate => ({ kind, name, perMinute });
const REFUSED = { code: 'rate_limited' };

describe('calls a minute', () => {
  it('are limited for each name of each kind, with the seconds until the next minute', async () => {
    const limits = new RateLimits('default');
    await limits.count([rate('principal', 'a', 2), rate('view', 'a', 9)]);
    await limits.count([rate('principal', 'a', 2), rate('view', 'a', 9)]);
    const refused = await errorOf(limits.count([rate('principal', 'a', 2)]));
    expect(refused).toMatchObject({
      ...REFUSED,
      message: 'The calls of this client exceed 2 a minute (limits.ratePerPrincipal).',
    });
    expect(refused.retryAfterSeconds).toBeGreaterThan(50);
    expect(refused.toText()).toContain(`Wait ${refused.retryAfterSeconds} s, then call again.`);
    await limits.count([rate('principal', 'b', 2), rate('view', 'b', 9), rate('provider', 'a', 2)]);
  });

  it('of a principal that is refused leave those of its view to the others', async () => {
    const limits = new RateLimits('default');
    const of = (name: string): readonly Rate[] => [rate('principal', name, 2), rate('view', 'v', 4)];
    await limits.count(of('a'));
    await limits.count(of('a'));
    for (let n = 0; n < 5; n += 1) expect(await errorOf(limits.count(of('a')))).toMatchObject(REFUSED);
    await limits.count(of('b'));
    await limits.count(of('b'));
    expect((await errorOf(limits.count(of('c')))).message).toContain('limits.ratePerView');
  });
});
