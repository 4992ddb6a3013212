import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatKeys, keyHash, newKey } from '../../../src/http/key-file.ts';
import { adminUrl } from '../../support/admin.ts';
import { wireParameter, wireProvider, wireTool } from '../../support/console-listings.ts';
import { errorFrame } from '../../support/dify-wire.ts';
import { EMAIL, WORKSPACE, WORKSPACE_ROOT } from '../../support/fake-console.ts';
import { INVOKE } from '../../support/fixture-dify.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../../support/otlp-receiver.ts';
import { initializeRequest, modernRequest, raw } from '../../support/raw-http.ts';
import { type RunningBridge, startBridge } from '../../support/running-bridge.ts';
import {
  jsonAnswer,
  type ScriptedAnswer,
  type ScriptedDify,
  type ScriptedRequest,
  startScriptedDify,
} from '../../support/scripted-dify.ts';
import { withoutTracing } from '../../support/no-tracing.ts';
import { streamed } from './rows/row.ts';

/** What each secret has that nothing else has, and that no way of quoting changes. */
const CORES = ['7a41', '7a42', '7a43', '7a44', '7a45', '7a46', '7a47', '7a48', '7a49'].map(
  (id) => `core${id}`,
);
const [INNER, SIGNING, PASSWORD, ACCESS, REFRESH, CSRF, TOKEN, ADMIN_TOKEN, SESSION_KEY] = CORES.map(
  (core, index) => `fake${index}${core}`,
) as [string, string, string, string, string, string, string, string, string];
/** The key of a client, which the bridge knows only as a hash. */
const KEY = newKey();
const ARGUMENT = 'FAKE-ARGUMENT-of-a-call';
const TOOL = 'acme_kit__run';

const tool = wireTool('run', { parameters: [wireParameter('query')] });

/** A server in Dify's place that repeats what it received, as debug pages do, wherever a tool runs. */
function answerOf(request: ScriptedRequest): ScriptedAnswer {
  const { path, headers, bytes } = request;
  const seen = `${JSON.stringify(headers)} ${bytes.toString()} SECRET_KEY=${SIGNING} ${TOKEN} ${KEY}`;
  const encoded = Buffer.from(seen).toString('base64');
  if (path === '/console/api/login') {
    const tokens = { access_token: ACCESS, refresh_token: REFRESH, csrf_token: CSRF };
    const cookies = Object.entries(tokens).map(([name, value]) => `${name}=${value}; Path=/`);
    const { headers: usual = {}, ...answer } = jsonAnswer({ result: 'success' });
    return { ...answer, headers: { ...usual, 'set-cookie': cookies } };
  }
  if (path === INVOKE) {
    const { tool_parameters: parameters } = JSON.parse(bytes.toString()) as {
      tool_parameters: { query?: string };
    };
    const { query = '' } = parameters;
    if (query.startsWith('refuse')) return jsonAnswer({ code: 'bad', message: seen, encoded }, 400);
    if (query.startsWith('page')) return { status: 500, body: `<pre>${seen}</pre>` };
    return streamed(errorFrame(`PluginInvokeError: {"message": ${JSON.stringify(seen)}}`));
  }
  if (path === '/console/api/ping') return jsonAnswer({ result: 'pong' });
  const workspace = { id: WORKSPACE, name: 'fake', status: 'normal', current: true };
  if (path === '/console/api/workspaces') return jsonAnswer({ workspaces: [workspace] });
  if (path === WORKSPACE_ROOT) return jsonAnswer(workspace);
  if (path === `${WORKSPACE_ROOT}/tools/builtin`) {
    return jsonAnswer([wireProvider('builtin', 'acme/kit/kit', [tool])]);
  }
  // So that a part of the catalogue fails with all of it in its reason.
  if (path === `${WORKSPACE_ROOT}/tools/workflow`) {
    return jsonAnswer({ code: 'quoted', message: seen, status: 500 }, 500);
  }
  return jsonAnswer([]);
}

let dify: ScriptedDify;
let otlp: OtlpReceiver;
let provider: NodeTracerProvider;
const folder = mkdtempSync(join(tmpdir(), 'observed-secrets-'));
beforeAll(async () => {
  dify = await startScriptedDify(answerOf);
  otlp = await startOtlpReceiver();
  const exporter = new OTLPTraceExporter({ url: `${otlp.url}/v1/traces` });
  withoutTracing();
  provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
});
afterAll(async () => {
  withoutTracing();
  await provider.shutdown();
  await otlp[Symbol.asyncDispose]();
  await dify[Symbol.asyncDispose]();
});

function start(audit: Record<string, string>): Promise<RunningBridge> {
  const keysFile = join(folder, 'keys.json');
  const key = { name: 'ada', sha256: keyHash(KEY), views: ['default'], created: new Date() };
  writeFileSync(keysFile, formatKeys([key]), { mode: 0o600 });
  return startBridge({
    env: {
      DIFY_API_URL: dify.url,
      DIFY_INNER_API_KEY: INNER,
      DIFY_WORKSPACE_ID: WORKSPACE,
      DIFY_SECRET_KEY: SIGNING,
      DIFY_EMAIL: EMAIL,
      DIFY_PASSWORD: PASSWORD,
      DIFY_BRIDGE_TOKEN: TOKEN,
      DIFY_BRIDGE_KEYS_FILE: keysFile,
      DIFY_BRIDGE_SESSION_KEY: SESSION_KEY,
      DIFY_BRIDGE_ADMIN_PORT: '0',
      DIFY_BRIDGE_ADMIN_TOKEN: ADMIN_TOKEN,
      ...audit,
    },
  });
}

/** Calls with every secret in every place that a client can choose. */
async function pour(bridge: RunningBridge): Promise<void> {
  const port = Number(new URL(await bridge.url()).port);
  await bridge.app.refresh();
  const all = [INNER, SIGNING, PASSWORD, ACCESS, REFRESH, CSRF, TOKEN, ADMIN_TOKEN, SESSION_KEY, KEY];
  for (const secret of all) {
    const chosen = {
      'X-Forwarded-For': secret,
      'User-Agent': secret,
      Cookie: `a=${secret}`,
      traceparent: `00-${'5'.repeat(32)}-00f067aa0ba902b7-01`,
      tracestate: `a=${secret}`,
    };
    for (const authorization of [
      `Bearer ${TOKEN}`,
      `Bearer ${KEY}`,
      `Bearer wrong-${secret}`,
      `Basic ${secret}`,
    ]) {
      const headers = { ...chosen, Authorization: authorization };
      for (const [name, args] of [
        [TOOL, { query: `fail ${ARGUMENT}` }],
        [TOOL, { query: `refuse ${ARGUMENT}` }],
        [TOOL, { query: `page ${ARGUMENT}` }],
        [TOOL, { query: { secret, ARGUMENT } }],
        [TOOL, { wrong: secret }],
        [secret, { secret }],
      ] as const) {
        const modern = modernRequest('tools/call', { name, arguments: args }, `id ${secret}`);
        await raw(port, { ...modern, headers: { ...modern.headers, ...headers } });
      }
    }
    const initialize = initializeRequest();
    const params = { ...initialize.params, clientInfo: { name: secret, version: secret } };
    const opened = await raw(port, {
      headers: { ...chosen, Authorization: `Bearer ${KEY}` },
      body: { ...initialize, params },
    });
    const session = {
      ...chosen,
      Authorization: `Bearer ${KEY}`,
      'Mcp-Session-Id': String(opened.headers['mcp-session-id']),
    };
    const call = { method: 'tools/call', params: { name: TOOL, arguments: { query: `fail ${secret}` } } };
    await raw(port, { headers: session, body: { jsonrpc: '2.0', id: secret, ...call } });
    await raw(port, {
      headers: { ...session, 'Mcp-Session-Id': secret },
      body: { jsonrpc: '2.0', id: 1, ...call },
    });
    await raw(port, { method: 'GET', path: `/mcp/${secret}?key=${secret}`, headers: session });
    await fetch(`${await adminUrl(bridge)}/views/${secret}`, {
      headers: { authorization: `Bearer ${secret}` },
    });
  }
}

/** Everything that the bridge shows or writes to those who watch it. */
async function outputs(bridge: RunningBridge, audit: string): Promise<Record<string, string>> {
  const url = await adminUrl(bridge);
  const pages = ['/', '/views/default/default', `/views/default/default/${TOOL}`, '/metrics'];
  const shown = await Promise.all(
    pages.map(async (path): Promise<[string, string]> => {
      const response = await fetch(url + path, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
      expect(response.status).toBe(200);
      return [path, await response.text()];
    }),
  );
  await bridge[Symbol.asyncDispose]();
  await provider.forceFlush();
  return {
    ...Object.fromEntries(shown),
    log: bridge.log.join(''),
    traces: otlp.bodies.join(''),
    audit: readFileSync(audit, 'utf8'),
  };
}

describe('secrets in everything that a client or Dify can send', () => {
  it.each([false, true])(
    'are in no output (with the arguments in the audit log: %s)',
    async (withArguments) => {
      const audit = join(folder, `audit-${withArguments}.log`);
      const bridge = await start({
        DIFY_BRIDGE_AUDIT_FILE: audit,
        DIFY_BRIDGE_AUDIT_ARGUMENTS: String(withArguments),
      });
      await pour(bridge);
      const texts = await outputs(bridge, audit);
      // Each output has something of the calls.
      expect(texts['/']).toContain('tool_failed');
      expect(texts['/metrics']).toContain(`tool="${TOOL}"`);
      expect(texts['log']).toContain('"outcome":"tool_failed"');
      expect(texts['traces']).toContain(TOOL);
      expect(texts['audit']).toContain('"principal":"key:ada"');
      // The stale part quotes Dify, as far as that is no secret.
      expect(texts['/']).toContain('SECRET_KEY=[redacted]');
      for (const [name, text] of Object.entries(texts)) {
        for (const core of [...CORES, KEY]) expect(`${name}: ${linesWith(text, core)}`).toBe(`${name}: `);
        for (const secret of [...CORES, KEY]) {
          const encoded = Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(2, -2);
          expect(`${name}: ${linesWith(text, encoded)}`).toBe(`${name}: `);
        }
        const hasArguments = name === 'audit' && withArguments;
        expect({ name, hasArguments: text.includes(ARGUMENT) }).toEqual({ name, hasArguments });
      }
    },
  );
});

function linesWith(text: string, part: string): string {
  return text
    .split('\n')
    .filter((line) => line.includes(part))
    .join('\n')
    .slice(0, 1000);
}
