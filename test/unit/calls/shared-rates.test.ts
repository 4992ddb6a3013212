// @module-tag redis
import { expect, it } from 'vitest';
import { type Rate, RateLimits } from '../../../src/calls/rate-limits.ts';
import { errorOf } from '../../support/error-of.ts';
import { connectTo, keysOf, startRedis } from '../../support/redis-server.ts';

const REFUSED = { code: 'rate_limited' };
const own: readonly Rate[] = [{ kind: 'principal', name: 'key:agent', perMinute: 3 }];

it('replicas count together, without the name of a principal in Redis, and each on its own while it is away', async () => {
  const redis = await startRedis();
  const url = redis.newUrl();
  const connections = await Promise.all([connectTo(url), connectTo(url)]);
  const [a, b] = connections.map((connection) => {
    return new RateLimits('default', {
      eval: (script, options) => connection.run((client) => client.eval(script, options)),
    });
  }) as [RateLimits, RateLimits];
  await a.count(own);
  await b.count(own);
  await a.count(own);
  expect(await errorOf(b.count(own))).toMatchObject(REFUSED);
  const keys = await keysOf(connections[0]);
  expect(keys).toEqual([expect.stringMatching(/^dify-mcp-bridge:rate:[\w-]{43}$/)]);

  await redis.kill();
  for (const limits of [a, b]) {
    for (let n = 0; n < 3; n += 1) await limits.count(own);
    expect(await errorOf(limits.count(own))).toMatchObject(REFUSED);
  }
  await redis.start();
  const health = () => connections.map((connection) => connection.health);
  await expect.poll(health).toEqual(['up', 'up']);
  await a.count(own);
  await b.count(own);
  await b.count(own);
  expect(await errorOf(a.count(own))).toMatchObject(REFUSED);
});

it('replicas ask Redis for a part of a large limit at once, and together exceed it by no call', async () => {
  const redis = await startRedis();
  const connection = await connectTo(redis.newUrl());
  let asked = 0;
  const replicas = Array.from({ length: 3 }, () => {
    return new RateLimits('default', {
      eval: (script, options) => {
        asked += 1;
        return connection.run((client) => client.eval(script, options));
      },
    });
  });
  const large: readonly Rate[] = [{ kind: 'view', name: 'default', perMinute: 2010 }];
  let allowed = 0;
  let refused = 0;
  while (refused < 300) {
    const calls = Array.from({ length: 20 }, () => replicas.map((replica) => replica.count(large)));
    for (const { status } of await Promise.allSettled(calls.flat())) {
      if (status === 'fulfilled') allowed += 1;
      else refused += 1;
    }
  }
  expect(allowed).toBe(2010);
  expect(asked).toBeLessThan(2010 / 2);
});
