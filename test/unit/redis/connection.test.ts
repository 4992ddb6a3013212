// @module-tag redis
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../../src/model/logger.ts';
import { connectRedis } from '../../../src/redis/connection.ts';
import { errorOf } from '../../support/error-of.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { connectTo, REDIS_PASSWORD, sharedRedis, startRedis } from '../../support/redis-server.ts';

const redis = await sharedRedis();
const place = `127.0.0.1:${redis.port}`;
const connect = (url: string, password?: string) => connectRedis({ url, password, logger: silentLogger });

describe('a connection', () => {
  it('takes the password from the address or apart', async () => {
    const urls = [redis.newUrl(), `redis://${place}`, `redis://default@${place}/1`];
    for (const url of urls) {
      const connection = await connect(url, REDIS_PASSWORD);
      expect(connection.health).toBe('up');
      expect(await connection.run((client) => client.ping())).toBe('PONG');
      await connection.close();
    }
  });

  it.each([
    ['no password', `redis://${place}`, /Redis refuses the login \(NOAUTH\)/, /DIFY_BRIDGE_REDIS_PASSWORD/],
    ['a wrong password', `redis://:wrong-secret@${place}`, /login \(WRONGPASS\)/, /redis:\/\/:PASSWORD@/],
    [
      'a database that there is none of',
      `redis://:${REDIS_PASSWORD}@${place}/4000`,
      /no database/,
      /at the end of the address/,
    ],
  ])('with %s is a fault of the configuration', async (_, url, message, hint) => {
    const error = await errorOf(connect(url));
    expect(error).toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(error.toText()).not.toMatch(/wrong-secret|fake-redis/);
  });

  it('to something else is one, too', async () => {
    const server = createServer((_req, res) => res.end('hello'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(await errorOf(connect(`redis://127.0.0.1:${port}`))).toMatchObject({
      code: 'config_invalid',
      message: 'state.redisUrl cannot be used. The server at this address is not Redis.',
    });
  });
});

describe('where Redis', () => {
  it('is not there at the start, a connection waits for it and refuses meanwhile', async () => {
    const own = await startRedis();
    const url = own.newUrl();
    await own.kill();
    const logger = recordingLogger();
    const connection = await connectTo(url, logger);
    expect(connection.health).toBe('waiting');
    expect(await errorOf(connection.run((client) => client.ping()))).toMatchObject({
      code: 'state_unavailable',
      message: 'The Redis that stores files and results cannot be reached.',
    });
    const heard = new Promise<string>((resolve) => connection.subscribe('news', resolve));
    await own.start();
    await expect.poll(() => connection.health).toBe('up');
    // The listener listens on a connection of its own, which comes in its own time.
    await expect.poll(() => connection.run((client) => client.publish('news', 'hello'))).toBe(1);
    expect(await heard).toBe('hello');
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'Redis cannot be reached: hand-off and stored files are unavailable until it can'],
      ['info', 'Redis answers'],
    ]);
  });

  it('goes and comes back, commands fail at once and then work, and listeners hear again', async () => {
    const own = await startRedis();
    const connection = await connectTo(own.newUrl());
    const heard: string[] = [];
    let began = 0;
    connection.subscribe(
      'news',
      (message) => heard.push(message),
      () => (began += 1),
    );
    const say = (text: string) => connection.run((client) => client.publish('news', text));
    await expect.poll(() => say('first')).toBe(1);
    await expect.poll(() => heard).toEqual(['first']);
    await own.kill();
    await expect.poll(() => connection.health).toBe('down');
    // What waits for an answer fails with other words.
    expect(await errorOf(say('lost'))).toMatchObject({
      code: 'state_unavailable',
      message: expect.stringMatching(/cannot be reached/),
    });
    await own.start();
    await expect.poll(() => connection.health).toBe('up');
    await expect.poll(() => say('second').catch(() => 0)).toBe(1);
    await expect.poll(() => heard).toEqual(['first', 'second']);
    // Earlier messages may have been missed, so the listener checks for them.
    await expect.poll(() => began).toBe(2);
  });

  it('takes commands and answers none, they end in time, the next ones at once, and later all is well', async () => {
    const own = await startRedis();
    const connection = await connectTo(own.newUrl());
    own.freeze();
    onTestFinished(() => own.thaw());
    const ping = () => connection.run((client) => client.ping());
    expect((await errorOf(ping())).message).toMatch(/does not answer/);
    const next = errorOf(ping());
    const atOnce = await Promise.race([next, turn('it waits')]);
    expect(atOnce).toMatchObject({ message: expect.stringMatching(/does not answer/) });
    expect(connection.health).toBe('down');
    own.thaw();
    await expect.poll(() => connection.health).toBe('up');
    expect(await ping()).toBe('PONG');
  });

  it('has no memory left, the error says so', async () => {
    const own = await startRedis();
    const connection = await connectTo(own.newUrl());
    await connection.run((client) => client.configSet('maxmemory', '1mb'));
    const put = connection.run((client) => client.set('large', 'x'.repeat(2_000_000)));
    expect(await errorOf(put.then(() => connection.run((client) => client.set('more', 'x'))))).toMatchObject({
      code: 'state_unavailable',
      message: 'The Redis that stores files and results has no memory left.',
    });
  });
});
