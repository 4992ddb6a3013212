import { HttpHost, type HttpHostOptions } from '../../src/http/host.ts';
import type { ResourceOptions } from '../../src/mcp/resources.ts';
import { createServerFactory } from '../../src/mcp/server.ts';
import { silentLogger } from '../../src/model/logger.ts';
import { type FakeBridge, fakeBridge, serviceOf } from './fake-bridge.ts';

export interface RunningHost extends AsyncDisposable {
  readonly bridge: FakeBridge;
  readonly host: HttpHost;
  readonly url: string;
  readonly port: number;
}

export interface RunOptions extends Partial<HttpHostOptions> {
  readonly bridge?: FakeBridge;
  readonly pageSize?: number;
  readonly progressIntervalMs?: number;
  readonly resources?: ResourceOptions;
  readonly path?: string;
}

/** A host on a free loopback port with fake tools behind it. */
export async function runHost(options: RunOptions = {}): Promise<RunningHost> {
  const {
    bridge = fakeBridge(),
    pageSize,
    progressIntervalMs = 15_000,
    path = '/mcp',
    resources,
    ...rest
  } = options;
  const createServer = createServerFactory({
    service: serviceOf(bridge),
    logger: rest.logger ?? silentLogger,
    info: { name: 'fake-bridge', version: '1.2.3' },
    ...(pageSize === undefined ? {} : { pageSize }),
    ...(resources === undefined ? {} : { resources }),
    progressIntervalMs,
    listTtlMs: 60_000,
  });
  const host = new HttpHost({
    host: '127.0.0.1',
    port: 0,
    views: [{ path, createServer, tools: bridge.source }],
    readiness: () => ({ ready: bridge.source.current() !== undefined }),
    sessionIdleMs: 60_000,
    maxSessions: 100,
    maxBodyBytes: 64 * 1024,
    keepAliveMs: 5000,
    logger: silentLogger,
    ...rest,
  });
  const { url, port } = await host.listen();
  return { bridge, host, url, port, [Symbol.asyncDispose]: () => host.close(0) };
}
