import type { DetachedCalls } from '../../src/model/task.ts';
import { HttpHost } from '../../src/http/host.ts';
import type { HttpHostOptions } from '../../src/http/host-options.ts';
import { LocalSessions } from '../../src/http/local-sessions.ts';
import type { ResourceOptions } from '../../src/mcp/resources.ts';
import { createServerFactory } from '../../src/mcp/server.ts';
import { silentLogger } from '../../src/model/logger.ts';
import type { SessionRecords } from '../../src/model/session-records.ts';
import { type FakeBridge, fakeBridge, serviceOf } from './fake-bridge.ts';

export interface RunningHost extends AsyncDisposable {
  readonly bridge: FakeBridge;
  readonly host: HttpHost;
  readonly url: string;
  readonly port: number;
}

export interface RunOptions extends Partial<HttpHostOptions> {
  readonly detached?: DetachedCalls;
  readonly bridge?: FakeBridge;
  readonly pageSize?: number;
  readonly progressIntervalMs?: number;
  readonly resources?: ResourceOptions;
  readonly path?: string;
}

/** Records of sessions that end with the process, since no folder can be made there. */
export function memoryRecords(): SessionRecords {
  return new LocalSessions('/dev/null/nowhere', undefined, silentLogger);
}

/** A host on a free loopback port with fake tools behind it. */
export async function runHost(options: RunOptions = {}): Promise<RunningHost> {
  const {
    bridge = fakeBridge(),
    pageSize,
    progressIntervalMs = 15_000,
    path = '/mcp',
    resources,
    detached,
    ...rest
  } = options;
  const createServer = createServerFactory({
    service: serviceOf(bridge, { detached }),
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
    views: [{ name: 'default', path, createServer, tools: bridge.source }],
    readiness: () => ({ ready: bridge.source.current() !== undefined }),
    sessions: memoryRecords(),
    maxStreams: 100,
    maxBodyBytes: 64 * 1024,
    keepAliveMs: 5000,
    logger: silentLogger,
    ...rest,
  });
  const { url, port } = await host.listen();
  return { bridge, host, url, port, [Symbol.asyncDispose]: () => host.close(0) };
}
