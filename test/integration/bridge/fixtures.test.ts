import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FixtureDify, startFixtureDify } from '../../support/fixture-dify.ts';
import { withoutFileIds } from '../../support/kept-files.ts';
import type { TestClient, TestProgress, TestResult } from '../../support/mcp-clients.ts';
import { type RunningBridge, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import { frame } from '../../support/dify-wire.ts';
import { compiled } from '../../support/schema-rules.ts';
import { FAILURES } from './rows/failures.ts';
import { FRAMINGS, MAX_FRAME_BYTES } from './rows/framings.ts';
import { MESSAGE_TYPES } from './rows/message-types.ts';
import { REFUSALS, STRANGERS } from './rows/refusals.ts';
import { RESULTS, WITHOUT_KEY } from './rows/results.ts';
import { type Row, said, STREAM, textMessage, TOOLS } from './rows/row.ts';
import { fileAnswer, MAX_IMAGE_BYTES, MAX_OUTPUT_BYTES } from './rows/stored-files.ts';

const GROUPS = [
  { group: 'refusals before any frame', rows: REFUSALS },
  { group: 'another server in place of Dify', rows: STRANGERS },
  { group: 'failures within the stream', rows: FAILURES },
  { group: 'framings', rows: FRAMINGS },
  { group: 'message types', rows: MESSAGE_TYPES },
  { group: 'results', rows: RESULTS },
];
const KEYLESS = { group: 'without a signing key', rows: WITHOUT_KEY };
const ROWS = new Map<string, Row>(
  [...GROUPS, KEYLESS].flatMap(({ group, rows }) =>
    rows.map((row) => [`${group}: ${row.title}`, row] as const),
  ),
);

/** The case of a tool that reports steps; it pauses before its output, as the v2 client needs it. */
const STEPS = 'steps';
const step = (label: string, status: string, more: Record<string, unknown> = {}) =>
  frame({
    type: 'log',
    message: { id: label, label, parent_id: null, error: null, status, data: {}, metadata: {}, ...more },
    meta: null,
  });
ROWS.set(STEPS, {
  title: STEPS,
  answer: {
    headers: STREAM,
    chunks: [
      { bytes: step('Search', 'start') },
      { bytes: step('Search', 'success', { metadata: { elapsed_time: 0.5 } }) },
      { bytes: step('Rank', 'error', { error: 'no index' }) },
      { afterMs: 100, bytes: frame(textMessage('found it')) },
    ],
  },
  expected: { content: [said('found it')] },
});

const CLIENTS = (['v1', 'v2 auto', 'v2 pinned'] as const).flatMap((kind) =>
  TRANSPORTS.map((transport) => ({ kind, transport })),
);

let dify: FixtureDify;
let bridge: RunningBridge;

beforeAll(async () => {
  dify = await startFixtureDify({ invoke: (name) => ROWS.get(name)?.answer, file: fileAnswer });
  bridge = await startBridge({
    env: {
      ...dify.env,
      DIFY_BRIDGE_TOOLS_MAX_IMAGE_BYTES: `${MAX_IMAGE_BYTES}B`,
      DIFY_BRIDGE_FILES_MAX_OUTPUT_BYTES: `${MAX_OUTPUT_BYTES}B`,
      DIFY_BRIDGE_CALLS_MAX_FRAME_BYTES: `${MAX_FRAME_BYTES}B`,
    },
  });
});
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await dify[Symbol.asyncDispose]();
});

it('every row has a title of its own', () => {
  const rows = [...GROUPS, KEYLESS].flatMap((group) => group.rows);
  expect(ROWS.size).toBe(rows.length + 1);
});

describe.each(CLIENTS)('$kind client over $transport', ({ kind, transport }) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await bridge.connect(kind, transport);
  });

  it('hears of steps as log messages and progress while the call runs', async () => {
    const seen: TestProgress[] = [];
    const onprogress = (progress: TestProgress): void => void seen.push(progress);
    const before = client.logs.length;
    const result = await client.callTool(TOOLS.plugin, { case: STEPS }, { onprogress, logLevel: 'info' });
    expect(result.content).toEqual([said('found it')]);
    expect(client.logs.slice(before)).toEqual([
      { level: 'info', logger: TOOLS.plugin, data: { label: 'Search', status: 'start' } },
      { level: 'info', logger: TOOLS.plugin, data: { label: 'Search', status: 'success', elapsed: 0.5 } },
      { level: 'error', logger: TOOLS.plugin, data: { label: 'Rank', status: 'error', error: 'no index' } },
    ]);
    expect(seen.slice(0, 4)).toEqual([
      { progress: 0, message: 'Started' },
      { progress: 1, message: 'Search' },
      { progress: 2, message: 'Search: done' },
      { progress: 3, message: 'Rank: failed' },
    ]);
  });

  describe.each(GROUPS)('$group', ({ group, rows }) => {
    it.each(rows)('$title', async (row) => {
      const before = dify.invocations.length;
      const name = `${group}: ${row.title}`;
      const result = await client.callTool(TOOLS[row.tool ?? 'plugin'], { case: name });
      const [came, expected] = outcomes(row, withoutFileIds(result));
      expect(came).toEqual(expected);
      expect(keepsItsSchema(TOOLS[row.tool ?? 'plugin'], result)).toBe(true);
      expect(dify.invocations.slice(before)).toHaveLength(1);
    });
  });

  it('nothing else went wrong', () => {
    expect(client.errors).toEqual([]);
    expect(dify.unanswered).toEqual([]);
  });
});

describe('without a signing key', () => {
  it.each(KEYLESS.rows)('$title', async (row) => {
    await using keyless = await startBridge({ env: { ...dify.env, DIFY_SECRET_KEY: '' } });
    const client = await keyless.connect('v2 auto');
    const name = `${KEYLESS.group}: ${row.title}`;
    const [came, expected] = outcomes(
      row,
      withoutFileIds(await client.callTool(TOOLS[row.tool ?? 'plugin'], { case: name })),
    );
    expect(came).toEqual(expected);
    expect(dify.unanswered).toEqual([]);
  });
});

/** Whether a client that checks results against the published schema accepts this one. */
function keepsItsSchema(name: string, { structuredContent, isError }: TestResult): boolean {
  const schema = bridge.app.registry.current()?.get(name)?.outputSchema;
  return schema === undefined || isError === true || compiled(schema)(structuredContent);
}

/** What came and what the row expects, in a form that is equal when all is well. */
function outcomes(
  { expected }: Row,
  { content, structuredContent, isError }: TestResult,
): [unknown, unknown] {
  if ('content' in expected) {
    return [
      { content, structuredContent, isError },
      { isError: undefined, ...expected },
    ];
  }
  const [first, ...rest] = content;
  const text = first?.text ?? '';
  const isMissing = (words: string | RegExp): boolean =>
    typeof words === 'string' ? !text.includes(words) : !words.test(text);
  const missing = expected.says.filter(isMissing).map((words) => `${words} in: ${text}`);
  return [
    { missing, rest, structuredContent, isError },
    { missing: [], rest: expected.before ?? [], structuredContent: undefined, isError: true },
  ];
}
