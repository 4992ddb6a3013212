import { expect, it } from 'vitest';
import { limitExchange } from '../../../../src/dify/wire/exchange-limit.ts';

it('ends at once if the caller has gone before, instead of after its time limit', () => {
  const destination = { url: new URL('http://127.0.0.1:5001'), path: '/' };
  const limit = limitExchange(AbortSignal.abort(), 60_000, destination);
  expect(limit.signal.aborted).toBe(true);
  expect(limit.cause()?.code).toBe('cancelled');
  limit.release();
});
