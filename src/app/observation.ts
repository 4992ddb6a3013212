import type { AdminHost } from '../admin/host.ts';
import type { Config } from '../config/schema.ts';
import { DEFAULT_WORKSPACE } from '../config/workspaces.ts';
import type { HealthOptions } from '../http/health.ts';
import type { CallRecorder } from '../model/call-record.ts';
import type { Logger } from '../model/logger.ts';
import { type Meter, NO_METER } from '../model/meter.ts';
import type { BridgeStatus } from '../model/status.ts';
import type { Secrets } from '../model/secrets.ts';
import type { AuditLog } from '../observability/audit-log.ts';
import { RecentCalls } from '../observability/recent-calls.ts';
import { callLog, Recorders } from '../observability/recorders.ts';
import { VERSION } from '../version.ts';
import type { View } from '../view/view.ts';
import type { Workspace } from './workspace.ts';

/** What the admin server reports of the bridge. */
export interface Observed extends Pick<HealthOptions, 'readiness' | 'isClosing'> {
  /** The workspaces, the default one first. */
  readonly workspaces: () => readonly Workspace[];
  /** Returns where clients reach a view; undefined before the bridge listens. */
  readonly urlOf: (view: View) => string | undefined;
}

/** Records calls and other events. */
export interface Observation {
  readonly recorder: CallRecorder;
  readonly meter: Meter;
  /** Starts the admin server, if there is one. Rejects with `port_unavailable`. */
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

/**
 * Opens what the configuration asks for. Rejects with `config_invalid` if the audit log cannot be written, and if others
 * could reach the admin server without a token.
 */
export async function openObservation(config: Config, options: ObservationOptions): Promise<Observation> {
  const { isServer, secrets, logger } = options;
  const { callTracer } = await import('../observability/tracing.ts');
  const recorder = new Recorders([callLog(logger, DEFAULT_WORKSPACE), callTracer(VERSION, secrets)], logger);
  const audit = await openAudit(config, options);
  if (audit !== undefined) recorder.add(audit);
  const admin = isServer ? await openAdmin(config, options) : undefined;
  for (const each of admin?.recorders ?? []) recorder.add(each);
  return {
    recorder,
    meter: admin?.meter ?? NO_METER,
    async serve() {
      if (admin === undefined) return;
      const { url } = await admin.host.listen();
      logger.info('The admin server is ready', { url });
    },
    async close() {
      await admin?.host.close();
      await audit?.close();
    },
  };
}

async function openAudit(
  { audit }: Config,
  { isServer, secrets, logger }: ObservationOptions,
): Promise<AuditLog | undefined> {
  const { file, ...options } = audit;
  if (file === undefined) return undefined;
  const { AuditLog } = await import('../observability/audit-log.ts');
  const stdout = isServer ? 1 : 2;
  return new AuditLog({ ...options, file: file === 'stdout' ? stdout : file, secrets, logger });
}

/** The admin server, which does not listen yet, and what it reports from. */
interface Admin {
  readonly host: AdminHost;
  readonly meter: Meter;
  readonly recorders: readonly CallRecorder[];
}

async function openAdmin(
  config: Config,
  { observed, secrets, logger }: ObservationOptions,
): Promise<Admin | undefined> {
  const { port, ...options } = config.admin;
  if (port === undefined) return undefined;
  const [{ AdminHost }, { clientLines, StatusReader }, { Metrics }, { statusPage }, { createHealth }] =
    await Promise.all([
      import('../admin/host.ts'),
      import('./status.ts'),
      import('../observability/metrics.ts'),
      import('../admin/status-page.ts'),
      import('../http/health.ts'),
    ]);
  const { workspaces, urlOf, readiness } = observed;
  const breakers = () => workspaces().flatMap(({ limits }) => limits.breakers());
  const catalogs = () => workspaces().map(({ catalogue }) => catalogue.status());
  const metrics = new Metrics({ version: VERSION, catalogs, breakers });
  const recent = new RecentCalls();
  const reader = new StatusReader(urlOf);
  const startedAt = new Date();
  const status = (): BridgeStatus => {
    const [main] = workspaces();
    const url = main && urlOf(main.views.default);
    return {
      version: VERSION,
      startedAt,
      health: readiness()?.ready === true ? 'ready' : 'loading',
      workspaces: workspaces().map((workspace) => reader.workspace(workspace)),
      running: recent.running(),
      ended: recent.ended(),
      breakers: breakers(),
      clients: url === undefined ? [] : clientLines(config, url),
    };
  };
  const host = new AdminHost({
    ...options,
    port,
    answerHealth: createHealth({ ...observed, isFull: () => false }),
    async answer(pathname) {
      if (pathname === '/metrics') return { type: metrics.contentType, body: await metrics.text() };
      const found = statusPage(pathname, status());
      // Dify's errors may quote a request.
      return found && { ...found, body: secrets.mask(found.body) };
    },
    logger,
  });
  return { host, meter: metrics, recorders: [metrics, recent] };
}
