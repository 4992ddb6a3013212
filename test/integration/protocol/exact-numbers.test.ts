import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wireParameter, wireProvider, wireTool } from '../../support/console-listings.ts';
import { rawFrame } from '../../support/dify-wire.ts';
import { ADMIN_KEY, WORKSPACE } from '../../support/fake-console.ts';
import { INNER_KEY, INVOKE } from '../../support/fixture-dify.ts';
import { CLIENT_KINDS, type TestClient } from '../../support/mcp-clients.ts';
import {
  callRequest,
  initializeRequest,
  modernRequest,
  openRawSession,
  raw,
} from '../../support/raw-http.ts';
import { type RunningBridge, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import { type ScriptedDify, startScriptedDify } from '../../support/scripted-dify.ts';
import { streamed } from '../bridge/rows/row.ts';

const LONG = '1234567890123456789';
const TOOL = 'acme_kit__run';

/** Returns JSON in which each text `#digits#` is a number, as only the wire can have it. */
const wire = (value: unknown): string => JSON.stringify(value).replaceAll(/"#(.*?)#"/g, '$1');

const message = (type: string, body: unknown) => ({ type, message: body, meta: null });
const ANSWERS: Record<string, readonly unknown[]> = {
  json: [message('json', { json_object: { id: `#${LONG}#`, list: [`#-${LONG}#`, 1] } })],
  variable: [message('variable', { variable_name: 'id', variable_value: `#${LONG}#`, stream: false })],
  text: [message('text', { text: `{"id": ${LONG}}` })],
  both: [message('text', { text: `{"id": ${LONG}}` }), message('json', { json_object: { id: `#${LONG}#` } })],
  unheld: [message('json', { json_object: { n: '#12345678901234567.89#' } })],
  nan: [message('json', { json_object: { a: '#NaN#', b: ['#-Infinity#', '#Infinity#'], c: 'NaN' } })],
};

const PROVIDERS = [
  wireProvider('builtin', 'acme/kit/kit', [
    wireTool('run', {
      parameters: [
        wireParameter('case', { default: 'json' }),
        wireParameter('n', { type: 'number', min: '#-9223372036854775808#', max: '#9223372036854775807#' }),
        wireParameter('ratio', { type: 'number', default: '#NaN#', max: '#Infinity#' }),
        wireParameter('id', { type: 'number', default: `#${LONG}#` }),
        wireParameter('any', { type: 'any' }),
        wireParameter('list', { type: 'array' }),
        wireParameter('name', { type: 'string' }),
      ],
    }),
  ]),
];

let dify: ScriptedDify;
let bridge: RunningBridge;
beforeAll(async () => {
  const json = (value: unknown) => ({ headers: { 'content-type': 'application/json' }, body: wire(value) });
  dify = await startScriptedDify(({ path, body }) => {
    if (path.endsWith('/tools/builtin')) return json(PROVIDERS);
    if (path.includes('/workspaces/current/tools/')) return json([]);
    if (path !== INVOKE) return undefined;
    const { case: name } = (body as { tool_parameters: { case?: string } }).tool_parameters;
    const data = ANSWERS[name ?? 'json'] ?? [];
    return streamed(...data.map((one) => rawFrame(wire({ data: one, error: '' }))));
  });
  bridge = await startBridge({ env: env() });
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await dify[Symbol.asyncDispose]();
});

const env = () => ({
  DIFY_API_URL: dify.url,
  DIFY_INNER_API_KEY: INNER_KEY,
  DIFY_WORKSPACE_ID: WORKSPACE,
  DIFY_ADMIN_API_KEY: ADMIN_KEY,
});

/** The JSON of the arguments that Dify received last. */
const received = (): string => {
  const body =
    dify.seen
      .filter(({ path }) => path === INVOKE)
      .at(-1)
      ?.bytes.toString() ?? '';
  return /"tool_parameters":(\{.*?\})(?:,"credential_id".*)?\}$/.exec(body)?.[1] ?? body;
};

const CASES = TRANSPORTS.flatMap((transport) => CLIENT_KINDS.map((kind) => ({ transport, kind })));

describe.each(CASES)('integers beyond 2^53 for a $kind client over $transport', ({ kind, transport }) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await bridge.connect(kind, transport);
  });

  it.each([
    ['json', `{"id":${LONG},"list":[-${LONG},1]}`],
    ['variable', `{"id":${LONG}}`],
    ['text', `{"id": ${LONG}}`],
    ['both', `{"id": ${LONG}}`],
    ['unheld', '{"n":"12345678901234567.89"}'],
    ['nan', '{"a":null,"b":[null,null],"c":"NaN"}'],
  ])('are exact in a result with %s', async (name, text) => {
    const result = await client.callTool(TOOL, { case: name });
    expect(result.content).toEqual([{ type: 'text', text }]);
  });

  it('are exact in quoted numbers, in JSON texts and in defaults', async () => {
    const args = { n: LONG, list: `[${LONG}, {"a": -${LONG}}]`, any: LONG, name: LONG };
    expect((await client.callTool(TOOL, args)).isError).toBeUndefined();
    expect(received()).toBe(
      `{"case":"json","n":${LONG},"id":${LONG},"any":"${LONG}","list":[${LONG},{"a":-${LONG}}],"name":"${LONG}"}`,
    );
  });

  it('are checked exactly, and what cannot be held is refused in words', async () => {
    const before = dify.seen.length;
    const refused = async (args: Record<string, unknown>): Promise<unknown> =>
      (await client.callTool(TOOL, args)).content[0]?.text;
    expect(await refused({ n: '9223372036854775808' })).toContain(
      'a number from -9223372036854775808 to 9223372036854775807, got "9223372036854775808"',
    );
    expect(await refused({ n: '12345678901234567.89' })).toContain('has more digits than a number can hold');
    expect(await refused({ list: '[1, 12345678901234567.89]' })).toContain('give it as a string');
    expect(dify.seen.length).toBe(before);
  });

  it('are told in words where they are bounds and defaults', async () => {
    const [tool] = (await client.listPage()).tools;
    expect(tool).toMatchObject({
      inputSchema: {
        properties: {
          n: {
            type: 'number',
            description: 'llm n. At least -9223372036854775808. At most 9223372036854775807.',
          },
          ratio: { type: 'number', description: 'llm ratio' },
          id: { type: 'number', description: `llm id. Default: ${LONG}.` },
        },
      },
    });
    expect(JSON.stringify(tool)).not.toMatch(/:\d{16}/);
  });
});

/** Sends a request with any digits and returns the text of the answer. */
async function overHttp(era: string, params: Record<string, unknown>): Promise<string> {
  const port = Number(new URL(await bridge.url()).port);
  const request =
    era === '2026-07-28'
      ? modernRequest('tools/call', params)
      : { headers: await openRawSession(port), body: { ...callRequest(TOOL), params } };
  return (await raw(port, { ...request, body: wire(request.body) })).text;
}

async function overStdio(era: string, params: Record<string, unknown>): Promise<string> {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  void bridge.app.serveStdio({ stdin, stdout });
  const lines = createInterface({ input: stdout });
  const ask = async (request: unknown): Promise<string> => {
    stdin.write(`${wire(request)}\n`);
    return String(await once(lines, 'line'));
  };
  try {
    if (era === '2026-07-28') return await ask(modernRequest('tools/call', params).body);
    await ask(initializeRequest());
    stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    return await ask({ ...callRequest(TOOL), params });
  } finally {
    stdin.end();
  }
}

const WAYS = { HTTP: overHttp, stdio: overStdio };
const ROADS = TRANSPORTS.flatMap((transport) =>
  ['2025-11-25', '2026-07-28'].map((era) => [era, transport] as const),
);

describe.each(ROADS)('integers beyond 2^53 in arguments of %s over %s', (era, transport) => {
  const call = (args: unknown): Promise<string> => WAYS[transport](era, { name: TOOL, arguments: args });

  it('reach Dify with all their digits', async () => {
    const any = { a: [`#${LONG}#`, { b: `#-${LONG}#` }] };
    expect(await call({ n: `#${LONG}#`, any, name: `#${LONG}#` })).not.toContain('isError');
    expect(received()).toBe(
      `{"case":"json","n":${LONG},"id":${LONG},"any":{"a":[${LONG},{"b":-${LONG}}]},"name":"${LONG}"}`,
    );
  });

  it.each(['12345678901234567.89', '1e999'])(
    'are refused in words if nothing can hold them: %s',
    async (digits) => {
      const before = dify.seen.length;
      expect(await call({ any: [`#${digits}#`] })).toContain('give it as a string');
      expect(dify.seen.length).toBe(before);
    },
  );
});

it.each(ROADS)(
  'arguments that nothing can write are refused in words by %s over %s',
  async (era, transport) => {
    const before = dify.seen.length;
    const any = `#${'['.repeat(100_000)}${']'.repeat(100_000)}#`;
    const answer = await WAYS[transport](era, { name: TOOL, arguments: { any } });
    expect(answer).toContain('the arguments are nested too deeply');
    expect(dify.seen.length).toBe(before);
  },
);

it('reach Dify in mode search and with an idempotency key too', async () => {
  await using searching = await startBridge({
    env: { ...env(), DIFY_BRIDGE_TOOLS_MODE: 'search', DIFY_BRIDGE_TOOLS_HAND_OFF: '30s' },
  });
  const port = Number(new URL(await searching.url()).port);
  const headers = await openRawSession(port);
  const params = {
    name: 'call_tool',
    arguments: { name: TOOL, arguments: { n: `#${LONG}#`, any: { b: `#${LONG}#` } } },
    _meta: { 'io.github.dify-mcp-bridge/idempotency-key': 'a key' },
  };
  const invocations = (): number => dify.seen.filter(({ path }) => path === INVOKE).length;
  const before = invocations();
  const ask = async (given: unknown): Promise<string> =>
    (await raw(port, { headers, body: wire({ ...callRequest(TOOL), params: given }) })).text;
  for (const text of [await ask(params), await ask(params)]) expect(text).toContain(`{\\"id\\":${LONG}`);
  expect(received()).toBe(`{"case":"json","n":${LONG},"id":${LONG},"any":{"b":${LONG}}}`);
  // The same key and arguments are one call; another number is another one.
  expect(invocations()).toBe(before + 1);
  const other = { ...params, arguments: { name: TOOL, arguments: { n: '#1234567890123456788#' } } };
  expect(await ask(other)).toContain('already used');
});
