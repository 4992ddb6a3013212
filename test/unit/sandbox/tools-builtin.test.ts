import { describe, expect, it } from 'vitest';
import { framesOf, invoke, messagesOf, signed, startSandbox, textsOf } from '../../support/sandbox-client.ts';

const STUDIO = 'paperkite/studio/studio';

describe('the tools of `time`', () => {
  const call = (tool: string, tool_parameters: object) => ({
    tool_type: 'builtin',
    provider: 'time',
    tool,
    tool_parameters,
  });

  it('tell the time in the asked zone and format', async () => {
    const sandbox = await startSandbox();
    const before = Date.now();
    const [now] = textsOf(await framesOf(sandbox, call('current_time', {})));
    expect(now).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    const told = Date.parse(`${String(now).replace(' ', 'T')}Z`);
    // It tells whole seconds.
    expect(told).toBeGreaterThan(before - 1000);
    expect(told).toBeLessThanOrEqual(Date.now());
    const [year] = textsOf(
      await framesOf(sandbox, call('current_time', { format: '%Y %%', timezone: 'Asia/Tokyo' })),
    );
    expect(year).toMatch(/^\d{4} %$/);
    expect((await invoke(sandbox, call('current_time', { timezone: 'Mars' }))).status).toBe(400);
  });

  it.each([
    ['2026-11-22 22:12:12', 'UTC', 'Asia/Tokyo', '2026-11-23 07:12:12'],
    ['2026-07-01 12:00:00', 'America/New_York', 'Europe/Berlin', '2026-07-01 18:00:00'],
    ['2026-3-29 0:30:0', 'Europe/Berlin', 'UTC', '2026-03-28 23:30:00'],
    ['2026-03-29 03:30:00', 'Europe/Berlin', 'UTC', '2026-03-29 01:30:00'],
  ])('convert %s in %s to %s', async (current_time, current_timezone, target_timezone, expected) => {
    const given = { current_time, current_timezone, target_timezone };
    expect(textsOf(await framesOf(await startSandbox(), call('timezone_conversion', given)))).toEqual([
      expected,
    ]);
  });

  it('name weekdays, and say what is missing or wrong', async () => {
    const sandbox = await startSandbox();
    const weekday = (given: object) => framesOf(sandbox, call('weekday', given));
    expect(textsOf(await weekday({ year: 2026, month: 11, day: 22 }))).toEqual([
      'November 22, 2026 is Sunday.',
    ]);
    expect(textsOf(await weekday({ year: '2024', month: '2', day: '29' }))).toEqual([
      'February 29, 2024 is Thursday.',
    ]);
    expect(textsOf(await weekday({ year: 2026, month: 2, day: 30 }))[0]).toContain('Invalid date');
    expect(await weekday({ year: 2026 })).toEqual([{ data: null, error: 'Month is required' }]);
    const unknown = { current_time: '2026-01-01 00:00:00', current_timezone: 'Mars/Base' };
    expect((await framesOf(sandbox, call('timezone_conversion', unknown)))[0]?.error).toContain('Mars/Base');
    expect(
      (await framesOf(sandbox, call('timezone_conversion', { current_time: 'now' })))[0]?.error,
    ).toContain('does not match format');
  });
});

describe('the tools of the studio', () => {
  const chart = (tool_parameters: object) => ({
    tool_type: 'builtin',
    provider: STUDIO,
    tool: 'draw_chart',
    tool_parameters,
  });

  it('draw a PNG that is stored and downloaded', async () => {
    const sandbox = await startSandbox();
    const frames = await framesOf(
      sandbox,
      chart({ values: '[1, 2, 3]', labels: ['a', 'b', 'c'], title: 'T' }),
    );
    expect(frames.map((frame) => frame.data?.type)).toEqual(['text', 'image_link']);
    const image = frames[1]?.data;
    expect(image?.meta).toEqual({ mime_type: 'image/png', filename: 'chart.png' });
    const path = String(image?.message['text']);
    expect(path).toMatch(/^\/files\/tools\/[0-9a-f-]{36}\.png$/);
    const response = await fetch(signed(sandbox, path));
    expect(response.headers.get('content-type')).toBe('image/png');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([640, 400]);
  });

  it.each([
    [{}, 'values must be a list'],
    [{ values: ['x'] }, 'values must be a list'],
    [{ values: [] }, 'values must be a list'],
    [{ values: [1], width: 5 }, 'width must be'],
  ])('refuse to draw %j', async (given, message) => {
    const [frame] = await framesOf(await startSandbox(), chart(given));
    expect(frame?.data).toBeNull();
    expect(frame?.error).toMatch(/^req_id: [0-9a-f]{10} PluginInvokeError: \{"args": \{\}, "error_type"/);
    expect(frame?.error).toContain(message);
  });

  it('report their steps and stream their summary while they research', async () => {
    const sandbox = await startSandbox();
    const began = Date.now();
    const given = { topic: 'kites', seconds: 0.4 };
    const frames = await framesOf(sandbox, { ...chart(given), tool: 'research' });
    expect(Date.now() - began).toBeGreaterThan(350);
    const logs = messagesOf(frames, 'log');
    expect(logs).toHaveLength(8);
    expect(logs[0]).toMatchObject({ id: 'research', parent_id: null, status: 'start', error: null });
    expect(logs[1]).toMatchObject({ id: 'source-1', parent_id: 'research', status: 'start' });
    expect(logs[2]).toMatchObject({ id: 'source-1', parent_id: 'research', status: 'success' });
    const pieces = messagesOf(frames, 'variable');
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.every((piece) => piece['stream'] === true && piece['variable_name'] === 'summary')).toBe(
      true,
    );
    expect(pieces.map((piece) => piece['variable_value']).join('')).toBe(textsOf(frames)[0]);
    expect(frames.at(-1)?.data).toMatchObject({
      type: 'json',
      message: { json_object: { topic: 'kites' }, suppress_output: false },
      meta: {},
    });
  });
});

describe('the tools that fail', () => {
  const call = (plugin: string, tool: string, tool_parameters: object = {}) => ({
    tool_type: 'builtin',
    provider: `paperkite/${plugin}/${plugin}`,
    tool,
    tool_parameters,
  });

  it('break midway, after a good frame', async () => {
    const frames = await framesOf(await startSandbox(), call('mishaps', 'break_midway'));
    expect(frames.map((frame) => frame.data?.type)).toEqual(['text', undefined]);
    expect(frames[1]?.error).toContain('"message": "The second half is missing on purpose."');
  });

  it('are refused without a setting that has no default', async () => {
    const sandbox = await startSandbox();
    const response = await invoke(sandbox, call('mishaps', 'need_setting'));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ message: 'tool parameter team not found in tool config' });
    const frames = await framesOf(sandbox, call('mishaps', 'need_setting', { team: 'Kite' }));
    expect(textsOf(frames)).toEqual(['Greetings from team Kite.']);
  });

  it('are refused without credentials, and work with them', async () => {
    const sandbox = await startSandbox();
    const letter = call('postbox', 'send_letter', { to: 'Mori', body: 'Hello' });
    const refused = await invoke(sandbox, letter);
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { code: 'invalid_param', message: 'no default provider for paperkite/postbox/postbox', status: 400 },
    ]);
    const credentialId = sandbox.workspace.authorize('paperkite/postbox/postbox');
    const sent = 'A letter of 5 characters is on its way to Mori.';
    expect(textsOf(await framesOf(sandbox, letter))).toEqual([sent]);
    expect(textsOf(await framesOf(sandbox, { ...letter, credential_id: credentialId }))).toEqual([sent]);
    expect(textsOf(await framesOf(sandbox, { ...letter, credential_id: 'no uuid' }))).toEqual([sent]);
    const unknown = { ...letter, credential_id: '00000000-0000-4000-8000-000000000000' };
    expect(await (await invoke(sandbox, unknown)).json()).toMatchObject({
      message: 'provider has been deleted: 00000000-0000-4000-8000-000000000000',
    });
    sandbox.workspace.revoke('paperkite/postbox/postbox');
    expect((await invoke(sandbox, letter)).status).toBe(400);
  });
});
