import type { AdminHost } from '../admin/host.ts';
import type { Config } from '../config/schema.ts';
import type { Health } from '../http/routes.ts';
import type { Logger } from '../model/logger.ts';
import { type Meter, NO_METER } from '../model/meter.ts';
import type { CatalogStatus } from '../model/registry.ts';
import type { Metrics } from '../observability/metrics.ts';
import { RecentCalls } from '../observability/recent-calls.ts';
import { callLog, Recorders } from '../observability/recorders.ts';
import { VERSION } from '../version.ts';

/** What the admin server reports of the bridge. */
export interface Observed {
  readonly catalogs: () => readonly CatalogStatus[];
  readonly health: () => Health;
}

/** Records calls and other events. */
export interface Observation {
  readonly recorder: Recorders;
  readonly meter: Meter;
  /**
   * Starts the admin server, if there is one. Rejects with `config_invalid` for an address that others can reach without a
   * token, and with `port_unavailable`.
   */
  serve(): Promise<void>;
  close(): Promise<void>;
}

/** Opens what the configuration asks for. `isServer`: the process serves clients over HTTP and so has an admin server. */
export async function openObservation(
  config: Config,
  {
    isServer,
    observed,
    logger,
  }: { readonly isServer: boolean; readonly observed: Observed; readonly logger: Logger },
): Promise<Observation> {
  const recorder = new Recorders([callLog(logger)], logger);
  const { port, ...admin } = config.admin;
  if (!isServer || port === undefined) {
    return { recorder, meter: NO_METER, serve: async () => undefined, close: async () => undefined };
  }
  const [{ AdminHost }, { Metrics }] = await Promise.all([
    import('../admin/host.ts'),
    import('../observability/metrics.ts'),
  ]);
  const metrics: Metrics = new Metrics({ version: VERSION, catalogs: observed.catalogs });
  const recent = new RecentCalls();
  recorder.add(metrics);
  recorder.add(recent);
  let host: AdminHost | undefined;
  return {
    recorder,
    meter: metrics,
    async serve() {
      host = new AdminHost({
        ...admin,
        port,
        health: observed.health,
        answer: async (pathname) =>
          pathname === '/metrics' ? { type: metrics.contentType, body: await metrics.text() } : undefined,
        logger,
      });
      const { url } = await host.listen();
      logger.info('The admin server is ready', { url });
    },
    close: async () => host?.close(),
  };
}
