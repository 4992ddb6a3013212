import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { CallEnd, CallFacts } from '../../../src/model/call-record.ts';
import type { CatalogStatus } from '../../../src/model/registry.ts';
import { Metrics } from '../../../src/observability/metrics.ts';
import { PLACE } from '../../support/test-view.ts';

const LOADED_AT = new Date('2026-11-22T10:00:00Z');
const catalog: CatalogStatus = { listing: undefined, loadedAt: LOADED_AT, lastError: undefined, stale: [] };

function metricsWith(options: Partial<ConstructorParameters<typeof Metrics>[0]> = {}): Metrics {
  return new Metrics({ version: '1.2.3', catalogs: () => [catalog], breakers: () => [], ...options });
}

function facts(tool: string): CallFacts {
  const ref = { providerType: 'builtin', providerId: `acme/${tool}/${tool}`, tool } as const;
  return { ...PLACE, view: 'default', principal: 'local', tool, ref, args: {} };
}

const END: CallEnd = { outcome: 'ok', durationMs: 42, messages: 2, bytes: 100 };

/** The samples of a metric: its labels and its value. */
async function samplesOf(metrics: Metrics, name: string): Promise<string[]> {
  const lines = (await metrics.text()).split('\n');
  return lines.filter(
    (line) => line.startsWith(`dify_bridge_${name}{`) || line.startsWith(`dify_bridge_${name} `),
  );
}

describe('metrics', () => {
  it('count a call from its beginning to its end', async () => {
    const metrics = metricsWith();
    const record = metrics.started(facts('web'));
    expect(await samplesOf(metrics, 'tool_calls_in_flight')).toEqual(['dify_bridge_tool_calls_in_flight 1']);
    record.received?.({ type: 'text', text: 'FAKE-RESULT' });
    record.truncated?.('text');
    record.ended(END);
    metrics.started(facts('web')).ended({ ...END, outcome: 'busy' });
    const text = await metrics.text();
    for (const line of [
      'tool_calls_in_flight 0',
      'tool_calls_total{tool="web",provider="acme/web/web",outcome="ok"} 1',
      'tool_calls_total{tool="web",provider="acme/web/web",outcome="busy"} 1',
      'tool_call_duration_seconds_bucket{le="0.05",tool="web",outcome="ok"} 1',
      'tool_call_duration_seconds_count{tool="web",outcome="error"} 1',
      'stream_messages_total{type="text"} 1',
      'stream_bytes_total 200',
      'output_truncated_total{reason="text"} 1',
      'rate_limited_total{scope="slots"} 1',
      `catalog_last_success_timestamp_seconds ${LOADED_AT.getTime() / 1000}`,
      `build_info{version="1.2.3",node="${process.versions.node}"} 1`,
    ]) {
      expect(text).toContain(`\ndify_bridge_${line}\n`);
    }
    expect(text).not.toContain('FAKE-RESULT');
  });

  it("count calls of the bridge's own tools apart from those of Dify's", async () => {
    const metrics = metricsWith();
    const record = metrics.started({ ...facts('search_tools'), ref: undefined, isBridgeTool: true });
    expect(await samplesOf(metrics, 'tool_calls_in_flight')).toEqual(['dify_bridge_tool_calls_in_flight 0']);
    record.ended(END);
    expect(await samplesOf(metrics, 'bridge_tool_calls_total')).toEqual([
      'dify_bridge_bridge_tool_calls_total{tool="search_tools",outcome="ok"} 1',
    ]);
    expect(await samplesOf(metrics, 'tool_calls_total')).toEqual([]);
  });

  it('have as many time series for 5,000 tools as for a few', async () => {
    const metrics = metricsWith();
    const call = (tool: string): void => {
      for (const outcome of ['ok', 'tool_failed', 'deadline_exceeded'] as const) {
        metrics.started(facts(tool)).ended({ ...END, outcome });
      }
    };
    for (let index = 0; index < 5000; index += 1) call(`tool_${index}`);
    // Names that no tool has are the client's choice.
    for (let index = 0; index < 100; index += 1) {
      metrics
        .started({ ...facts(`guess_${index}`), ref: undefined })
        .ended({ ...END, outcome: 'tool_not_found' });
    }
    metrics.http('mcp', 'BREW', 405);
    const calls = await samplesOf(metrics, 'tool_calls_total');
    const tools = new Set(calls.map((line) => /tool="([^"]*)"/.exec(line)?.[1]));
    expect(tools.size).toBe(101);
    expect(calls).toContain('dify_bridge_tool_calls_total{tool="other",provider="other",outcome="ok"} 4900');
    expect(calls.join('')).not.toContain('guess_');
    expect((await metrics.text()).split('\n').length).toBeLessThan(5000);
    expect(await samplesOf(metrics, 'http_requests_total')).toEqual([
      'dify_bridge_http_requests_total{route="mcp",method="other",status="405"} 1',
    ]);
  });

  it('report breakers where there are some', async () => {
    const states = [
      { provider: 'acme/kit/kit', state: 'open' },
      { provider: 'acme/web/web', state: 'closed' },
      // In another workspace.
      { provider: 'acme/kit/kit', state: 'half-open' },
    ] as const;
    const metrics = metricsWith({ breakers: () => states });
    expect(await samplesOf(metrics, 'circuit_state')).toEqual([
      'dify_bridge_circuit_state{provider="acme/web/web"} 0',
      'dify_bridge_circuit_state{provider="acme/kit/kit"} 2',
    ]);
  });

  it('have the names, types and labels that are documented', async () => {
    const metrics = metricsWith();
    const own = (await metrics.text()).split('\n').filter((line) => line.startsWith('# TYPE dify_bridge_'));
    expect(own.map((line) => line.slice('# TYPE dify_bridge_'.length)).sort()).toMatchInlineSnapshot(`
      [
        "bridge_tool_calls_total counter",
        "build_info gauge",
        "catalog_last_success_timestamp_seconds gauge",
        "catalog_refresh_total counter",
        "catalog_tools gauge",
        "circuit_state gauge",
        "http_requests_total counter",
        "output_truncated_total counter",
        "rate_limited_total counter",
        "stream_bytes_total counter",
        "stream_messages_total counter",
        "tool_call_duration_seconds histogram",
        "tool_calls_in_flight gauge",
        "tool_calls_total counter",
        "upstream_request_duration_seconds histogram",
        "upstream_requests_total counter",
      ]
    `);
  });

  it('pass the linter of Prometheus', { tags: ['promtool'] }, async () => {
    const metrics = metricsWith({ breakers: () => [{ provider: 'a"b\\c\nd', state: 'open' }] });
    metrics.started(facts('web')).ended(END);
    metrics.upstream('inner', 200, 12);
    metrics.upstream('console', undefined, 12);
    metrics.http('mcp', 'POST', 200);
    metrics.refreshed('console', 'ok');
    // The collector of Node.js has names that the linter dislikes, and that dashboards expect.
    const text = (await metrics.text()).split('\n\n').filter((part) => part.includes('dify_bridge_'));
    const lint = spawnSync('promtool', ['check', 'metrics'], {
      input: `${text.join('\n')}\n`,
      encoding: 'utf8',
    });
    expect({ status: lint.status, said: lint.stdout + lint.stderr }).toEqual({ status: 0, said: '' });
  });
});
