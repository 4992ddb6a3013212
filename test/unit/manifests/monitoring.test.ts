import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Metrics } from '../../../src/observability/metrics.ts';

const FOLDER = resolve(fileURLToPath(import.meta.url), '../../../../manifests/monitoring');
const RULES = join(FOLDER, 'alerts.yaml');

interface Dashboard {
  readonly title: string;
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const dashboard = JSON.parse(readFileSync(join(FOLDER, 'grafana-dashboard.json'), 'utf8')) as Dashboard;
const rules = parse(readFileSync(RULES, 'utf8')) as {
  groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
};

/** The metrics that the bridge has, with the labels that it gives them and the series of histograms. */
async function known(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const metrics = new Metrics({
    version: '1',
    catalogs: () => [],
    breakers: () => [{ provider: 'p', state: 'open' }],
  });
  const ref = { providerType: 'builtin', providerId: 'p', tool: 't' } as const;
  const facts = {
    workspace: 'w',
    road: 'inner',
    host: 'h',
    view: 'v',
    principal: 'p',
    tool: 't',
    ref,
  } as const;
  const record = metrics.started({ ...facts, args: {} });
  record.received?.({ type: 'text', text: '' });
  record.truncated?.('text');
  record.ended({ outcome: 'busy', durationMs: 1, messages: 1, bytes: 1 });
  metrics.upstream('inner', 200, 1);
  metrics.http('mcp', 'POST', 200);
  metrics.refreshed('console', 'ok');
  const samples = (await metrics.text()).matchAll(/^(\w+)(?:\{(.*)\})? /gm);
  const all = new Map<string, ReadonlySet<string>>();
  for (const [, name = '', labels = ''] of samples) {
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label);
    all.set(name, new Set([...names, ...(all.get(name) ?? [])]));
  }
  return all;
}

const expressions = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
];

/** Metrics and labels of an expression that the bridge does not have. Prometheus itself adds `job` and `instance`. */
function unknownIn(expression: string, all: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const names = [...expression.matchAll(/\b(?:dify_bridge|process|nodejs)_\w+/g)].map(([name]) => name);
  const labels = [...expression.matchAll(/(\w+)(?:=~|!~|!=|=)"|by \(([^)]*)\)/g)].flatMap(
    ([, label, list = '']) => (label === undefined ? list.split(/, */) : [label]),
  );
  const has = new Set(names.flatMap((name) => [...(all.get(name) ?? [])]).concat('job', 'instance'));
  return [...names.filter((name) => !all.has(name)), ...labels.filter((label) => !has.has(label))];
}

describe('what monitors the bridge', () => {
  it('uses metrics and labels that the bridge has', async () => {
    const all = await known();
    expect(expressions.length).toBeGreaterThan(20);
    expect(expressions.flatMap((expression) => unknownIn(expression, all))).toEqual([]);
  });

  it('would be noticed with another metric or label', async () => {
    const all = await known();
    expect(unknownIn('rate(dify_bridge_calls_total[5m])', all)).toEqual(['dify_bridge_calls_total']);
    expect(unknownIn('sum by (user) (dify_bridge_tool_calls_total{tool!="x"})', all)).toEqual(['user']);
  });

  it('is a dashboard whose panels do not overlap', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  it('has rules that Prometheus takes', { tags: ['promtool'] }, () => {
    const { status, stdout } = spawnSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringContaining('5 rules found') as string,
    });
  });
});
