import { createServerFactory } from '../../src/mcp/server.ts';
import { serveOverStdio } from '../../src/mcp/stdio.ts';
import { silentLogger } from '../../src/model/logger.ts';
import { fakeBridge, serviceOf } from './fake-bridge.ts';

/** The program that the tests of stdio start: a bridge with fake tools on standard input and output. */
const bridge = fakeBridge();
const pageSize = Number(process.env['TEST_PAGE_SIZE'] ?? Number.NaN);
const createServer = createServerFactory({
  service: serviceOf(bridge),
  logger: silentLogger,
  info: { name: 'fake-bridge', version: '1.2.3' },
  ...(Number.isNaN(pageSize) ? {} : { pageSize }),
  progressIntervalMs: Number(process.env['TEST_PROGRESS_MS'] ?? 15_000),
  listTtlMs: 60_000,
});
const host = serveOverStdio({
  createServer,
  registry: bridge.source,
  endGraceMs: 10_000,
  logger: silentLogger,
});
process.once('SIGTERM', () => void host.close(1000));
await host.closed;
