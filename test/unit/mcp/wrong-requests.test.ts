import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createServerFactory } from '../../../src/mcp/server.ts';
import { serveOverStdio } from '../../../src/mcp/stdio.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { fakeBridge, serviceOf } from '../../support/fake-bridge.ts';
import { runHost } from '../../support/http-host.ts';
import {
  initializeRequest,
  modernRequest,
  openRawSession,
  raw,
  type RawMessage,
} from '../../support/raw-http.ts';

type Ask = (method: string, params: unknown) => Promise<RawMessage | undefined>;

/** Asks over stdio and HTTP, in both eras. */
async function asking(way: string, use: (ask: Ask) => Promise<void>): Promise<void> {
  const bridge = fakeBridge();
  if (way.endsWith('HTTP')) {
    await using running = await runHost({ bridge });
    const { port } = running;
    const session = await openRawSession(port);
    await use(async (method, params) => {
      if (way === 'modern HTTP') {
        return (await raw(port, modernRequest(method, params as Record<string, unknown>))).messages[0];
      }
      // An initialize opens a session of its own.
      const headers = method === 'initialize' ? {} : session;
      return (await raw(port, { headers, body: { jsonrpc: '2.0', id: 7, method, params } })).messages[0];
    });
    return;
  }
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  let output = '';
  stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const createServer = createServerFactory({
    service: serviceOf(bridge),
    logger: silentLogger,
    info: { name: 'fake-bridge', version: '1' },
    progressIntervalMs: 15_000,
    listTtlMs: 0,
  });
  const host = serveOverStdio({
    createServer,
    registry: bridge.source,
    endGraceMs: 0,
    logger: silentLogger,
    stdin,
    stdout,
  });
  const messages = (): RawMessage[] =>
    output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as RawMessage);
  const answerTo = async (message: object): Promise<RawMessage | undefined> => {
    const before = messages().length;
    stdin.write(`${JSON.stringify(message)}\n`);
    await expect.poll(() => messages().length).toBeGreaterThan(before);
    return messages()[before];
  };
  if (way === 'stdio') await answerTo(initializeRequest());
  await use((method, params) =>
    answerTo(
      way === 'stdio'
        ? { jsonrpc: '2.0', id: 7, method, params }
        : (modernRequest(method, params as Record<string, unknown>).body as object),
    ),
  );
  await host.close(0);
}

const INFO = { name: 'x', version: '1' };

/** Method, parameters, and the words of the answer. */
const BOTH_ERAS: readonly [string, object, string][] = [
  ['tools/call', { arguments: {} }, 'tools/call: name must be the name of a tool.'],
  ['tools/call', { name: 7 }, 'tools/call: name must be the name of a tool.'],
  ['tools/call', { name: 'echo', arguments: 'text' }, 'tools/call: arguments must be an object.'],
  ['tools/call', { name: 'echo', arguments: [1] }, 'tools/call: arguments must be an object.'],
  ['tools/list', { cursor: 5 }, 'tools/list: cursor must be a string.'],
];
const LEGACY: readonly [string, object, string][] = [
  [
    'tools/call',
    { name: 'echo', _meta: { progressToken: {} } },
    'tools/call: _meta.progressToken must be a string or a whole number.',
  ],
  [
    'logging/setLevel',
    { level: 'loud' },
    'logging/setLevel: level must be one of debug, info, notice, warning, error, critical, alert, emergency.',
  ],
  ['initialize', { capabilities: {}, clientInfo: INFO }, 'initialize: protocolVersion must be a string.'],
  [
    'initialize',
    { protocolVersion: '2025-11-25', capabilities: {} },
    'initialize: clientInfo must be an object with name and version, both strings.',
  ],
  ['completion/complete', {}, 'Method not found'],
];

const REMOVED: readonly [string, object, string][] = [
  ['logging/setLevel', { level: 'loud' }, 'Method not found'],
];

describe.each(['HTTP', 'modern HTTP', 'stdio', 'modern stdio'])('over %s', (way) => {
  const wrong = [...BOTH_ERAS, ...(way.startsWith('modern') ? REMOVED : LEGACY)];

  it('a wrong parameter is named in plain words', async () => {
    await asking(way, async (ask) => {
      for (const [method, params, message] of wrong) {
        const answer = await ask(method, params);
        const code = message === 'Method not found' ? -32_601 : -32_602;
        expect({ method, params, ...answer }).toMatchObject({ id: 7, error: { code, message } });
        expect(answer?.error?.data?.code).toBe(code === -32_602 ? 'invalid_params' : undefined);
      }
    });
  });

  it('what only the SDK finds wrong is no dump of a validator', async () => {
    await asking(way, async (ask) => {
      const odd = way.startsWith('modern')
        ? await ask('tools/call', { name: 'echo', inputResponses: 7 })
        : await ask('initialize', {
            protocolVersion: '2025-11-25',
            capabilities: { roots: { listChanged: 'yes' } },
            clientInfo: INFO,
          });
      expect(odd?.error?.message ?? '').not.toMatch(/[[{]|expected|invalid_type/);
    });
  });

  it('null for the arguments means none', async () => {
    await asking(way, async (ask) => {
      const answer = await ask('tools/call', { name: 'echo', arguments: null });
      expect(answer).toMatchObject({ id: 7, result: { content: [{ text: 'undefined' }] } });
    });
  });
});
