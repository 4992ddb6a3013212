import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createServerFactory } from '../../../src/mcp/server.ts';
import { serveOverStdio } from '../../../src/mcp/stdio.ts';
import type { DetachedCalls } from '../../../src/model/task.ts';
import { fakeBridge, serviceOf } from '../../support/fake-bridge.ts';
import { runHost } from '../../support/http-host.ts';
import { modernRequest, raw } from '../../support/raw-http.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const broken: DetachedCalls = {
  get: () => Promise.reject(new Error('disk of the operator')),
  cancel: () => Promise.reject(new Error('disk of the operator')),
  keepMs: 60_000,
  idle: () => Promise.resolve(),
};

/** A request of a client that understands tasks. Only the 2026 revision has them. */
function taskRequest(method: string) {
  const request = modernRequest(method, { taskId: 'call_1' });
  const body = request.body as { params: { _meta: Record<string, unknown> } };
  const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
  body.params._meta['io.modelcontextprotocol/clientCapabilities'] = capabilities;
  return { headers: { ...request.headers, 'Mcp-Name': 'call_1' }, body };
}

it.each(['tasks/get', 'tasks/update', 'tasks/cancel'])(
  'a fault of the bridge in %s is in the log, and its details are nowhere else',
  async (method) => {
    const logger = recordingLogger();
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const bridge = fakeBridge();
    const createServer = createServerFactory({
      service: serviceOf(bridge, { detached: broken }),
      logger,
      info: { name: 'fake-bridge', version: '1' },
      progressIntervalMs: 15_000,
      listTtlMs: 0,
    });
    const host = serveOverStdio({
      createServer,
      registry: bridge.source,
      endGraceMs: 0,
      logger,
      stdin,
      stdout,
    });
    const answered = once(createInterface({ input: stdout }), 'line');
    stdin.write(`${JSON.stringify(taskRequest(method).body)}\n`);
    const overStdio = String(await answered);
    await host.close(0);
    await using running = await runHost({ bridge, detached: broken, logger });
    const overHttp = (await raw(running.port, taskRequest(method))).text;
    for (const answer of [overStdio, overHttp]) {
      expect(answer).toContain('"code":"internal"');
      expect(answer).not.toContain('disk');
    }
    const lines = logger.lines.filter(({ message }) => message === 'An MCP request failed');
    expect(lines.map(({ fields }) => fields?.['method'])).toEqual([method, method]);
  },
);
