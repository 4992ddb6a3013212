import type { AdminHost } from '../admin/host.ts';
import type { Config } from '../config/schema.ts';
import type { Health } from '../http/routes.ts';
import type { Logger } from '../model/logger.ts';
import { type Meter, NO_METER } from '../model/meter.ts';
import type { BridgeStatus } from '../model/status.ts';
import type { Secrets } from '../model/secrets.ts';
import type { AuditLog } from '../observability/audit-log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { RecentCalls } from '../observability/recent-calls.ts';
import { callLog, Recorders } from '../observability/recorders.ts';
import { VERSION } from '../version.ts';
import { clientLines, type ObservedWorkspace, StatusReader } from './status.ts';

/** What the admin server reports of the bridge. */
export interface Observed {
  readonly workspaces: () => readonly ObservedWorkspace[];
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

export interface ObservationOptions {
  /** See `AppOptions`. */
  readonly isServer: boolean;
  readonly observed: Observed;
  readonly secrets: Secrets;
  readonly logger: Logger;
}

/** Opens what the configuration asks for. Rejects with `config_invalid` if the audit log cannot be written. */
export async function openObservation(
  config: Config,
  { isServer, observed, secrets, logger }: ObservationOptions,
): Promise<Observation> {
  const { callTracer } = await import('../observability/tracing.ts');
  const recorder = new Recorders([callLog(logger), callTracer(VERSION)], logger);
  const audit = await openAudit(config, { isServer, secrets, logger });
  if (audit !== undefined) recorder.add(audit);
  const close = async (): Promise<void> => audit?.close();
  const { port, ...admin } = config.admin;
  if (!isServer || port === undefined) {
    return { recorder, meter: NO_METER, serve: async () => undefined, close };
  }
  const [{ AdminHost }, { Metrics }, { statusPage }] = await Promise.all([
    import('../admin/host.ts'),
    import('../observability/metrics.ts'),
    import('../admin/status-page.ts'),
  ]);
  const { workspaces, health } = observed;
  const metrics: Metrics = new Metrics({
    version: VERSION,
    catalogs: () => workspaces().map(({ catalog }) => catalog()),
  });
  const recent = new RecentCalls();
  recorder.add(metrics);
  recorder.add(recent);
  const startedAt = new Date();
  const reader = new StatusReader();
  const status = (): BridgeStatus => ({
    version: VERSION,
    startedAt,
    health: String(health().body['status']),
    workspaces: workspaces().map((workspace) => reader.workspace(workspace)),
    running: recent.running(),
    ended: recent.ended(),
    clients: clientLines(config, workspaces()[0]?.url() ?? ''),
  });
  let host: AdminHost | undefined;
  return {
    recorder,
    meter: metrics,
    async serve() {
      host = new AdminHost({
        ...admin,
        port,
        health,
        async answer(pathname) {
          if (pathname === '/metrics') return { type: metrics.contentType, body: await metrics.text() };
          const found = statusPage(pathname, status());
          // Dify's errors may quote a request.
          return found && { ...found, body: secrets.mask(found.body) };
        },
        logger,
      });
      const { url } = await host.listen();
      logger.info('The admin server is ready', { url });
    },
    async close() {
      await host?.close();
      await close();
    },
  };
}

async function openAudit(
  { audit }: Config,
  { isServer, ...rest }: Omit<ObservationOptions, 'observed'>,
): Promise<AuditLog | undefined> {
  const { file, ...options } = audit;
  if (file === undefined) return undefined;
  const { AuditLog } = await import('../observability/audit-log.ts');
  const stdout = isServer ? 1 : 2;
  return new AuditLog({ ...options, ...rest, file: file === 'stdout' ? stdout : file });
}
