import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { BridgeError } from '../model/errors.ts';
import type { App } from './state.ts';

/** Milliseconds after which Dify's server closes an idle connection. */
const KEEP_ALIVE_MS = 2_000;

/** A server on the loopback address. */
export interface Listener {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Closes immediately, with all open connections. */
  close(): Promise<void>;
}

/**
 * Listens on a loopback port (0: any) and calls `app` for each request. Rejects with `port_unavailable`.
 */
export async function listen(port: number, app: () => App): Promise<Listener> {
  const server = createAdaptorServer({
    fetch: (request, env) => app().fetch(request, env),
    overrideGlobalObjects: false,
  }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new BridgeError('port_unavailable', `The sandbox cannot listen on 127.0.0.1:${port}.`, {
          hint: 'Choose another port, or 0 for any that is free.',
          cause,
        }),
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
