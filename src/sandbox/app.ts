import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import { addAccountRoutes } from './account-routes.ts';
import { addConsoleRoutes } from './console-routes.ts';
import { addDownloadRequestRoute } from './download-request.ts';
import { addFileRoutes } from './file-routes.ts';
import { addInvokeRoutes } from './invoke-routes.ts';
import { addLoginRoutes } from './login-routes.ts';
import { internalError, notFoundPage, Refusal } from './refusal.ts';
import type { RequestLog } from './request-log.ts';
import { addSignInRoutes } from './sign-in-routes.ts';
import { type App, type AppTypes, route, type SandboxState } from './state.ts';

/**
 * Returns the HTTP application of one sandbox. Trailing slashes and unknown paths get Dify's HTML page.
 */
export function createApp(state: SandboxState, log: RequestLog): App {
  const app = new Hono<AppTypes>({ strict: true });
  app.use(async (c, next) => {
    log.record(c.req.method, c.req.path);
    if (state.workspace.delay > 0) await sleep(state.workspace.delay);
    await next();
    c.res.headers.set('x-version', state.version);
    c.res.headers.set('x-env', 'PRODUCTION');
    // Dify's server does not announce when it closes idle connections. With this header, Node does not
    // announce it either.
    if (c.req.header('connection') !== 'close') c.res.headers.set('connection', 'keep-alive');
  });
  app.onError((error, c) => {
    const refusal = error instanceof Refusal ? error : internalError();
    return c.json(refusal.bodyIn(state.features), refusal.status, { ...refusal.headers });
  });
  app.notFound(() => notFoundPage());

  route(app, 'GET', '/health', (c) => c.json({ pid: process.pid, status: 'ok', version: state.version }));
  route(app, 'GET', '/console/api/ping', (c) => c.json({ result: 'pong' }));
  route(app, 'GET', '/console/api/setup', (c) =>
    c.json({ step: 'finished', setup_at: '2026-11-22T21:30:42' }),
  );
  addLoginRoutes(app, state);
  addSignInRoutes(app, state);
  addConsoleRoutes(app, state);
  addAccountRoutes(app, state);
  addInvokeRoutes(app, state);
  addFileRoutes(app, state);
  addDownloadRequestRoute(app, state);
  return app;
}
