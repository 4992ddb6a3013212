import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app/app.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import { buildRegistry } from '../../../src/registry/build.ts';
import { english, provider, RULES, tool } from '../../support/declarations.ts';
import { cli, type CliSetup, ENV } from '../../support/fake-cli.ts';

function fileWith(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'bridge-cli-views-')), 'bridge.yaml');
  writeFileSync(path, content);
  return path;
}

/** The command line with the real bridge, on the sandbox. */
const real = (argv: readonly string[], content = '') =>
  cli([...argv, '--sandbox', '--config', fileWith(content)], { env: { HOME: ENV.HOME }, io: { createApp } });

const VIEWS = `
tools:
  aliases: { today: time__current_time }
views:
  clock:
    allow: ['time__*']
    deny: ['time__time*']
    maxTools: 2
`;

describe('--view', () => {
  it('lists the tools of that view', async () => {
    const { code, json } = await real(['tools', 'list', '--view', 'clock', '-o', 'json'], VIEWS);
    expect(code).toBe(0);
    const { view, tools, withheld, total } = json() as {
      view: string;
      tools: { name: string }[];
      withheld: { reason: string }[];
      total: { tools: number };
    };
    expect(view).toBe('clock');
    expect(tools).toHaveLength(2);
    expect(tools.every(({ name }) => name.startsWith('time__'))).toBe(true);
    expect(total.tools).toBe(2);
    expect(withheld.length).toBeGreaterThan(5);
  });

  it('explains by the rules of that view', async () => {
    const clock = await real(['tools', 'explain', 'time__timezone_conversion', '--view', 'clock'], VIEWS);
    expect(clock.stdout).toContain('Rule views.clock.deny: "time__time*" matches');
    const other = await real(['tools', 'explain', 'time__timezone_conversion'], VIEWS);
    expect(other.stdout).toMatch(/^time__timezone_conversion is published\./);
  });

  it('shows and explains a tool by an old name', async () => {
    const shown = await real(['tools', 'show', 'today', '-o', 'json'], VIEWS);
    expect(shown.json()).toMatchObject({
      name: 'time__current_time',
      cost: { bytes: expect.any(Number) as number },
    });
    const explained = await real(['tools', 'explain', 'today'], VIEWS);
    expect(explained.stdout).toContain('today is an old name (aliases) of time__current_time');
  });

  it('of an unknown view is a mistake of usage that names the views', async () => {
    for (const argv of [['list'], ['show', 'x'], ['explain', 'x']]) {
      const { code, stderr } = await real(['tools', ...argv, '--view', 'clocks'], VIEWS);
      expect(code).toBe(2);
      expect(stderr).toMatch(/no view named "clocks"[^]*default, clock/);
    }
  });
});

describe('the cost of a list', () => {
  const registryOf = (count: number) =>
    buildRegistry(
      [
        provider(
          'acme/kit/kit',
          Array.from({ length: count }, (_, n) =>
            tool(`t${n}`, [], { description: english('x'.repeat(800)) }),
          ),
        ),
      ],
      RULES,
    );
  const listed = (count: number, more: readonly string[] = [], setup: CliSetup = {}) =>
    cli(['tools', 'list', ...more], { ...setup, app: { registry: registryOf(count) } });

  it('is warned of past the limits of clients and past the budget', async () => {
    expect((await listed(40)).stderr).not.toContain('clients');
    const many = await listed(90);
    expect(many.code).toBe(0);
    expect(many.stderr).toMatch(
      /warning: 90 tools: more than some clients accept: older releases of Cursor \(40\), Cursor \(80\)\. Narrow tools\.allow/,
    );
    expect(many.stderr).toMatch(
      /warning: About 2\d,\d{3} tokens of every conversation: more than 20,000 \(tools\.auto\.tokens\)/,
    );
  });

  it('is in the JSON with its warnings', async () => {
    const { json, stderr } = await listed(129, ['-o', 'json']);
    expect(stderr).toBe('');
    expect(json()).toMatchObject({
      total: { tools: 129, tokens: expect.any(Number) as number },
      warnings: [expect.stringContaining('(128)') as string, expect.stringContaining('tokens') as string],
    });
  });

  it('is measured against the budget of the view', async () => {
    const config = fileWith('tools: { auto: { tokens: 1000000 } }');
    expect((await listed(60, ['--config', config])).stderr).not.toContain('conversation');
  });

  it('says what a client sees in mode search', async () => {
    const { stderr } = await real(['tools', 'list'], 'tools: { mode: search, pinned: [time__current_time] }');
    expect(stderr).toMatch(
      /Mode search: a client sees \d tools instead, [\d,]+ bytes, about [\d,]+ tokens\./,
    );
    expect(stderr).not.toContain('more than some clients');
    const file = "tools: { mode: search, pinned: ['*'], auto: { tokens: 10 } }";
    const pinned = await real(['tools', 'list'], file);
    expect(pinned.stderr).toMatch(/more than 10 \(tools\.auto\.tokens\)\. Make tools\.pinned match less\./);
    expect(pinned.stderr).not.toContain('to search');
  });
});

describe('config check', () => {
  it('holds presets and rules of every view against the tools', async () => {
    const content = `
tools:
  presets:
    time__curent_time: { title: Now }
views:
  clock:
    allow: ['time__*', 'clock__*']
`;
    const { code, stdout } = await real(['config', 'check'], content);
    expect(code).toBe(2);
    const problems = stdout.split('\n').filter((line) => line.startsWith('problem:'));
    expect(problems).toEqual([
      expect.stringMatching(/^problem: tools\.presets\.time__curent_time: .*Did you mean time__current_time/),
      'problem: views.clock.allow: clock__*: No tool matches this rule of views.clock.allow.',
    ]);
    expect(stdout).toMatch(/2 problems with the \d+ tools that Dify lists\.\n$/);
  });

  it('is content with what fits, and says against what', async () => {
    const { code, json } = await real(['config', 'check', '-o', 'json'], VIEWS);
    expect(code).toBe(0);
    expect(json()).toMatchObject({ ok: true, live: { done: true, warnings: [] } });
  });

  const unreachable = { app: { loadError: new BridgeError('catalog_unavailable', 'Dify is down.') } };

  it('says that it could not, without Dify, and fails only when asked to', async () => {
    const run = await cli(['config', 'check'], unreachable);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain("were not checked against Dify's tools. Dify is down.");
    const asked = await cli(['config', 'check', '--live'], unreachable);
    expect(asked).toMatchObject({ code: 1, stdout: '' });
    expect(asked.stderr).toContain('Dify is down.');
    expect(asked.events).toEqual(['create', 'start', 'close 0']);
  });

  it('leaves Dify out when asked to', async () => {
    const { code, stdout, events } = await cli(['config', 'check', '--no-live']);
    expect({ code, events }).toEqual({ code: 0, events: [] });
    expect(stdout).toContain('--no-live was given');
  });

  it('looks at the tools in Dify rather than at the approved ones', async () => {
    const { configs } = await cli(['config', 'check'], { env: { ...ENV, DIFY_BRIDGE_MANIFEST: 'approved' } });
    expect(configs[0]?.manifest).toEqual({ frozen: false });
  });
});
