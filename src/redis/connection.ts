import { createClient, type RedisClientType } from '@redis/client';
import { settlesWithin } from '../model/async.ts';
import type { Logger } from '../model/logger.ts';
import { commandError, settingsError, unavailable } from './redis-errors.ts';

/** Milliseconds to wait for an answer of Redis, and initially for the connection. */
const PATIENCE_MS = 3000;
/** Milliseconds without an answer after which a connection is replaced. */
const DEAD_MS = 10_000;
/** Longest pause between two attempts to connect. */
const MAX_PAUSE_MS = 2000;

export interface RedisOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  /** Used if the address has no password. */
  readonly password?: string | undefined;
  readonly logger: Logger;
}

export type RedisConnection = Awaited<ReturnType<typeof connectRedis>>;

/** Connects to Redis, or keeps trying. Throws `config_invalid` if Redis refuses the login or is another server. */
export async function connectRedis({ url, password, logger }: RedisOptions) {
  const channels = new Map<string, Channel>();
  /** Called with each outcome; set while the first one is awaited. */
  let onOutcome: (error?: Error) => void = () => undefined;
  let isUp: boolean | undefined;
  let wasUp = false;
  let closed = false;
  let link = open();

  function open() {
    const client = createClient({
      url: withPassword(url, password),
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      socket: {
        connectTimeout: PATIENCE_MS,
        reconnectStrategy: (retries) => Math.min(MAX_PAUSE_MS, 50 * 2 ** retries),
      },
    }) as RedisClientType;
    const subscriber = client.duplicate();
    const made = { client, subscriber, stalledSince: undefined as number | undefined };
    client.on('ready', () => report(true));
    client.on('error', (error: Error) => {
      if (link === made) report(false, error);
    });
    subscriber.on('error', () => undefined);
    client.connect().catch(() => undefined);
    subscriber.connect().catch(() => undefined);
    subscriber.on('ready', () => {
      for (const [name, channel] of channels) listen(subscriber, name, channel);
    });
    return made;
  }

  function report(answers: boolean, error?: Error): void {
    onOutcome(error);
    if (closed || isUp === answers) return;
    if (answers && isUp === false) logger.info('Redis answers');
    const warning = 'Redis cannot be reached: hand-off and stored files are unavailable until it can';
    if (!answers) logger.warn(warning, { error });
    isUp = answers;
    wasUp ||= answers;
  }

  /** Listening twice with the same function counts once. */
  function listen(subscriber: typeof link.subscriber, name: string, { hear, begins }: Channel): void {
    subscriber.subscribe(name, hear).then(begins, (error: unknown) => {
      logger.debug('A channel of Redis could not be listened to', { error });
    });
  }

  /** The connection accepts commands but does not answer: commands fail at once until it does. */
  function stalled(made: typeof link): void {
    if (made.stalledSince !== undefined) return;
    made.stalledSince = performance.now();
    report(false);
    const recovered = (): void => {
      made.stalledSince = undefined;
      if (link === made && made.client.isReady) report(true);
    };
    made.client.ping().then(recovered, recovered);
  }

  function renewDead(): void {
    const { stalledSince, client, subscriber } = link;
    if (closed || stalledSince === undefined || performance.now() - stalledSince < DEAD_MS) return;
    link = open();
    client.destroy();
    subscriber.destroy();
  }

  async function first(): Promise<void> {
    const outcome = new Promise<Error | undefined>((resolve) => {
      onOutcome = resolve;
    });
    if (!(await settlesWithin(outcome, PATIENCE_MS)))
      report(false, new Error('Redis did not answer in time.'));
    const error = await outcome;
    onOutcome = () => undefined;
    const fatal = error && settingsError(error);
    if (fatal === undefined) return;
    closed = true;
    destroy();
    throw fatal;
  }

  function destroy(): void {
    if (link.client.isOpen) link.client.destroy();
    if (link.subscriber.isOpen) link.subscriber.destroy();
  }

  await first();

  return {
    /** Runs work on Redis. Rejects with `state_unavailable` if Redis does not answer within seconds. */
    async run<T>(work: (client: RedisClientType) => Promise<T>): Promise<T> {
      renewDead();
      const made = link;
      if (!made.client.isReady) throw unavailable('cannot be reached');
      if (made.stalledSince !== undefined) throw unavailable('does not answer');
      const working = work(made.client);
      if (!(await settlesWithin(working, PATIENCE_MS))) {
        stalled(made);
        throw unavailable('does not answer');
      }
      return working.catch((error: unknown) => {
        throw commandError(error);
      });
    },

    /** Listens to a channel across reconnects. Calls `begins` whenever that starts: messages may have been missed. */
    subscribe(name: string, hear: (message: string) => void, begins = () => {}): void {
      const channel = { hear, begins };
      channels.set(name, channel);
      if (link.subscriber.isReady) listen(link.subscriber, name, channel);
    },

    /** `waiting`: Redis was never reached. `down`: it was reached before but not now. */
    get health(): 'waiting' | 'up' | 'down' {
      if (isUp === true) return 'up';
      return wasUp ? 'down' : 'waiting';
    },

    /** Whether it was closed, so that waiting for Redis is in vain. */
    get isClosed(): boolean {
      return closed;
    },

    async close(): Promise<void> {
      closed = true;
      destroy();
    },
  };
}

/** The Redis client ignores a separate password if the address has a user name. */
function withPassword(url: string, password: string | undefined): string {
  const whole = new URL(url);
  if (password !== undefined && whole.password === '') whole.password = encodeURIComponent(password);
  return whole.href;
}

interface Channel {
  readonly hear: (message: string) => void;
  readonly begins: () => void;
}
