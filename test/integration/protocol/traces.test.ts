import { trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSandbox } from '../../../src/index.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { type Front, startFront } from '../../support/front.ts';
import { CLIENT_KINDS } from '../../support/mcp-clients.ts';
import {
  CLIENT_KIND,
  ERROR_STATUS,
  type OtlpReceiver,
  type ReceivedSpan,
  SERVER_KIND,
  startOtlpReceiver,
} from '../../support/otlp-receiver.ts';
import { withoutTracing } from '../../support/no-tracing.ts';
import { callRequest, openRawSession, raw } from '../../support/raw-http.ts';
import {
  accountEnv,
  type RunningBridge,
  sandboxEnv,
  startBridge,
  TRANSPORTS,
} from '../../support/running-bridge.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;
const TOOL = 'time__weekday';
const ARGS = { year: 2026, month: 11, day: 22 };
const TEXTS = { first: 'a b {{#sys.user_id#}}', second: 'b c' };

let sandbox: Sandbox;
let front: Front;
let otlp: OtlpReceiver;
let provider: NodeTracerProvider;
/** The headers of the requests that run tools. */
let runs: IncomingHttpHeaders[];
beforeAll(async () => {
  withoutTracing();
  sandbox = await createSandbox();
  otlp = await startOtlpReceiver();
  front = await startFront(sandbox.url, {
    answer({ url = '', headers }) {
      if (/\/invoke\/tool$|\/nodes\/[^/]+\/run$|\/workflows\/run$/.test(url)) runs.push(headers);
      return undefined;
    },
  });
});
afterAll(async () => {
  withoutTracing();
  await provider.shutdown();
  await front[Symbol.asyncDispose]();
  await otlp[Symbol.asyncDispose]();
  await sandbox.close();
});
beforeEach(() => {
  runs = [];
});

/** The spans of the calls that `act` makes, as the receiver got them. */
async function spansOf(act: () => Promise<unknown>): Promise<readonly ReceivedSpan[]> {
  const before = otlp.spans.length;
  await act();
  await provider.forceFlush();
  return otlp.spans.slice(before);
}

const bridgeFor = (road: 'inner' | 'account'): Promise<RunningBridge> => {
  const env = road === 'inner' ? sandboxEnv(sandbox) : accountEnv(sandbox);
  return startBridge({ env: { ...env, [road === 'inner' ? 'DIFY_API_URL' : 'DIFY_URL']: front.url } });
};

describe('without an SDK', () => {
  it.each(['inner', 'account'] as const)("Dify gets the caller's context on the %s road", async (road) => {
    await using bridge = await bridgeFor(road);
    const client = await bridge.connect('v1');
    await client.callTool(TOOL, ARGS, { meta: { traceparent: TRACEPARENT, tracestate: 'a=1,b=2' } });
    await client.callTool('workflow__compare_texts', TEXTS, { meta: { traceparent: TRACEPARENT } });
    await client.callTool(TOOL, ARGS);
    expect(runs.map(({ traceparent, tracestate }) => [traceparent, tracestate])).toEqual([
      [TRACEPARENT, 'a=1,b=2'],
      [TRACEPARENT, undefined],
      [undefined, undefined],
    ]);
  });

  it.each([
    'nonsense',
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-011`,
  ])('passes on no invalid context (%s)', async (traceparent) => {
    await using bridge = await bridgeFor('inner');
    const client = await bridge.connect('v2 pinned');
    await client.callTool(TOOL, ARGS, { meta: { traceparent, tracestate: 'a=1\r\nx: y' } });
    expect(runs.map((headers) => headers['traceparent'])).toEqual([undefined]);
  });

  it('passes on no state that a header cannot carry', async () => {
    await using bridge = await bridgeFor('inner');
    const client = await bridge.connect('v2 pinned');
    const result = await client.callTool(TOOL, ARGS, {
      meta: { traceparent: TRACEPARENT, tracestate: 'a=1\r\nx: y' },
    });
    expect(result.isError).not.toBe(true);
    expect(runs.map(({ traceparent, tracestate }) => [traceparent, tracestate])).toEqual([
      [TRACEPARENT, undefined],
    ]);
  });
});

describe('with an SDK', () => {
  beforeAll(() => {
    const exporter = new OTLPTraceExporter({ url: `${otlp.url}/v1/traces` });
    provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    provider.register();
  });

  const ways = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));

  it.each(ways)('a call of the client $kind over $transport has two spans', async ({ transport, kind }) => {
    await using bridge = await bridgeFor('inner');
    const client = await bridge.connect(kind, transport);
    const spans = await spansOf(() =>
      client.callTool(TOOL, ARGS, { meta: { traceparent: TRACEPARENT, tracestate: 'a=1' } }),
    );
    const isHttp = transport === 'HTTP';
    const server = spans.find(({ kind: each }) => each === SERVER_KIND);
    const invocation = spans.find(({ kind: each }) => each === CLIENT_KIND);
    expect(spans).toHaveLength(2);
    expect(server).toMatchObject({
      name: `tools/call ${TOOL}`,
      traceId: TRACE,
      parentSpanId: PARENT,
      traceState: 'a=1',
      status: { code: 0 },
      attributes: {
        'mcp.method.name': 'tools/call',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': TOOL,
        'jsonrpc.request.id': expect.stringMatching(/^.+$/) as string,
        'mcp.protocol.version': client.modern ? '2026-07-28' : '2025-11-25',
        'network.transport': isHttp ? 'tcp' : 'pipe',
        'bridge.workspace': 'default',
        'bridge.view': 'default',
      },
    });
    expect(server?.attributes['client.address']).toBe(isHttp ? '127.0.0.1' : undefined);
    expect(server?.attributes['network.protocol.name']).toBe(isHttp ? 'http' : undefined);
    expect(server?.attributes['mcp.session.id'] !== undefined).toBe(isHttp && !client.modern);
    expect(invocation).toMatchObject({
      name: 'dify.tool.invoke',
      traceId: TRACE,
      parentSpanId: server?.spanId,
      attributes: {
        'server.address': '127.0.0.1',
        'dify.plane': 'inner',
        'dify.provider.type': 'builtin',
        'dify.provider.name': 'time',
        'dify.message.count': expect.any(Number) as number,
        'dify.response.bytes': expect.any(Number) as number,
      },
    });
    // Dify continues the span of its request.
    expect(runs.map(({ traceparent, tracestate }) => [traceparent, tracestate])).toEqual([
      [`00-${TRACE}-${invocation?.spanId}-01`, 'a=1'],
    ]);
  });

  it('failures are errors, and arguments and results are in no span', async () => {
    await using bridge = await bridgeFor('account');
    const client = await bridge.connect('v2 pinned');
    const spans = await spansOf(async () => {
      await client.callTool(TOOL, { year: 'FAKE-ARGUMENT' });
      await client.callTool('FAKE-NAME', {}).catch(() => undefined);
      await client.callTool('paperkite_mishaps__break_midway', {});
    });
    const servers = spans.filter(({ kind }) => kind === SERVER_KIND);
    expect(servers.map(({ name, status }) => [name, status.code])).toEqual([
      [`tools/call ${TOOL}`, ERROR_STATUS],
      ['tools/call', ERROR_STATUS],
      ['tools/call paperkite_mishaps__break_midway', ERROR_STATUS],
    ]);
    expect(servers.map(({ attributes }) => [attributes['error.type'], attributes['bridge.outcome']])).toEqual(
      [
        ['tool_error', 'invalid_arguments'],
        ['tool_not_found', undefined],
        ['tool_error', 'tool_failed'],
      ],
    );
    expect(servers[1]?.attributes['rpc.response.status_code']).toBe('-32602');
    expect(spans.filter(({ kind }) => kind === CLIENT_KIND)).toMatchObject([
      {
        status: { code: ERROR_STATUS },
        attributes: { 'error.type': 'tool_failed', 'dify.plane': 'account' },
      },
    ]);
    expect(otlp.bodies.join('')).not.toContain('FAKE-ARGUMENT');
  });

  it('the context of _meta wins over that of the header, and a call without one begins a trace', async () => {
    await using bridge = await bridgeFor('inner');
    const port = Number(new URL(await bridge.url()).port);
    const headers = { ...(await openRawSession(port)), traceparent: `00-${'5'.repeat(32)}-${PARENT}-01` };
    const spans = await spansOf(async () => {
      await raw(port, { headers, body: callRequest(TOOL, ARGS) });
      const params = { name: TOOL, arguments: ARGS, _meta: { traceparent: TRACEPARENT } };
      await raw(port, { headers, body: { ...callRequest(TOOL), id: 8, params } });
      const { traceparent: _, ...bare } = headers;
      await raw(port, { headers: bare, body: callRequest(TOOL, ARGS, 9) });
    });
    const traces = spans.filter(({ kind }) => kind === SERVER_KIND).map(({ traceId }) => traceId);
    expect(traces.slice(0, 2)).toEqual(['5'.repeat(32), TRACE]);
    expect(traces[2]).toMatch(/^[\da-f]{32}$/);
    expect(runs[2]?.['traceparent']).toContain(traces[2]);
  });

  it('a span that is active around the request is linked', async () => {
    await using bridge = await bridgeFor('inner');
    const context = {
      signal: new AbortController().signal,
      origin: { requestId: 'r', rpc: { id: 1, transport: 'tcp', trace: { traceparent: TRACEPARENT } } },
    } as const;
    const spans = await spansOf(() =>
      trace.getTracer('test').startActiveSpan('POST /mcp', async (around) => {
        await bridge.app.callTool(TOOL, ARGS, context);
        around.end();
      }),
    );
    const server = spans.find(({ name }) => name === `tools/call ${TOOL}`);
    const http = spans.find(({ name }) => name === 'POST /mcp');
    expect(server).toMatchObject({ traceId: TRACE, parentSpanId: PARENT });
    expect(server?.links).toMatchObject([{ traceId: http?.traceId, spanId: http?.spanId }]);
  });
});
