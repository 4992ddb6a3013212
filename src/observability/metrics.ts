import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CallEnd, CallFacts, CallRecord, CallRecorder } from '../model/call-record.ts';
import type { Meter, Plane } from '../model/meter.ts';
import type { CatalogStatus } from '../model/registry.ts';
import type { BreakerState } from '../model/status.ts';

const PREFIX = 'dify_bridge_';

/** The boundaries that OpenTelemetry gives for calls of MCP tools, in seconds. */
const CALL_SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/** The most tools with time series of their own: those that are called first. All others share the name `other`. */
const MAX_TOOLS = 100;
const OTHER = 'other';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']);

/** The limit behind an outcome. */
const LIMITS: Partial<Record<CallEnd['outcome'], string>> = {
  busy: 'slots',
  rate_limited: 'rate',
  provider_unavailable: 'breaker',
};

const BREAKER_VALUES: Readonly<Record<BreakerState['state'], number>> = {
  closed: 0,
  'half-open': 1,
  open: 2,
};

export interface MetricsOptions {
  readonly version: string;
  /** Returns the catalogue of each workspace. */
  readonly catalogs: () => readonly CatalogStatus[];
  readonly breakers: () => readonly BreakerState[];
}

/** The metrics of the bridge for Prometheus. No label has values that clients can choose. */
export class Metrics implements CallRecorder, Meter {
  readonly #registry = new Registry();
  readonly #named = new Set<string>();
  readonly #calls = this.#counter('tool_calls_total', 'Calls of tools that have ended.', [
    'tool',
    'provider',
    'outcome',
  ]);
  readonly #seconds = this.#histogram('tool_call_duration_seconds', 'Duration of calls.', [
    'tool',
    'outcome',
  ]);
  readonly #bridgeCalls = this.#counter(
    'bridge_tool_calls_total',
    "Calls of the bridge's own tools that the bridge answered itself.",
    ['tool', 'outcome'],
  );
  readonly #inFlight = this.#gauge('tool_calls_in_flight', 'Calls that wait for a slot or run.');
  readonly #messages = this.#counter('stream_messages_total', 'Messages that tools have sent.', ['type']);
  readonly #bytes = this.#counter('stream_bytes_total', "Bytes of Dify's answers to calls.");
  readonly #truncated = this.#counter('output_truncated_total', 'Results that exceeded a limit.', ['reason']);
  readonly #limited = this.#counter('rate_limited_total', 'Calls refused because of a limit.', ['scope']);
  readonly #requests = this.#counter('upstream_requests_total', 'Requests to Dify.', [
    'plane',
    'status_class',
  ]);
  readonly #requestSeconds = this.#histogram(
    'upstream_request_duration_seconds',
    'Duration of requests to Dify, including the answer.',
    ['plane'],
  );
  readonly #http = this.#counter('http_requests_total', 'Requests to the bridge.', [
    'route',
    'method',
    'status',
  ]);
  readonly #refreshes = this.#counter('catalog_refresh_total', "Loads of Dify's tools.", [
    'source',
    'outcome',
  ]);

  constructor({ version, catalogs, breakers }: MetricsOptions) {
    collectDefaultMetrics({ register: this.#registry });
    this.#gauge('build_info', 'The running version.', ['version', 'node']).set(
      { version, node: process.versions.node },
      1,
    );
    this.#gauge('catalog_tools', 'Tools that Dify lists.', [], (gauge) => {
      const providers = catalogs().flatMap(({ listing }) => listing?.providers ?? []);
      gauge.set(providers.reduce((sum, { tools }) => sum + tools.length, 0));
    });
    const success =
      "When Dify's tools were last loaded: the oldest of all workspaces; 0 before the first time.";
    this.#gauge('catalog_last_success_timestamp_seconds', success, [], (gauge) => {
      gauge.set(Math.min(...catalogs().map(({ loadedAt }) => (loadedAt?.getTime() ?? 0) / 1000)));
    });
    const states = 'Circuit breakers: 0 closed, 1 half open, 2 open.';
    this.#gauge('circuit_state', states, ['provider'], (gauge) => {
      gauge.reset();
      // A provider may be in several workspaces, and its worst state counts.
      const sorted = breakers().toSorted((a, b) => BREAKER_VALUES[a.state] - BREAKER_VALUES[b.state]);
      for (const { provider, state } of sorted.slice(-MAX_TOOLS)) {
        gauge.set({ provider }, BREAKER_VALUES[state]);
      }
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Resolves with all metrics in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  started({ tool: name, ref, isBridgeTool }: CallFacts): CallRecord {
    // Counted apart from the calls of Dify's tools, whose rates and durations they would distort.
    if (isBridgeTool === true) {
      return { ended: ({ outcome }) => this.#bridgeCalls.inc({ tool: name, outcome }) };
    }
    this.#inFlight.inc();
    const tool = ref === undefined ? OTHER : this.#label(name);
    const provider = tool === OTHER || ref === undefined ? OTHER : ref.providerId;
    return {
      received: ({ type }) => this.#messages.inc({ type }),
      truncated: (reason) => this.#truncated.inc({ reason }),
      ended: ({ outcome, durationMs, bytes }) => {
        this.#inFlight.dec();
        this.#calls.inc({ tool, provider, outcome });
        // Each combination has a time series for each boundary, so codes count together.
        this.#seconds.observe({ tool, outcome: outcome === 'ok' ? 'ok' : 'error' }, durationMs / 1000);
        this.#bytes.inc(bytes);
        const scope = LIMITS[outcome];
        if (scope !== undefined) this.#limited.inc({ scope });
      },
    };
  }

  upstream(plane: Plane, status: number | undefined, durationMs: number): void {
    const statusClass = status === undefined ? 'none' : `${Math.floor(status / 100)}xx`;
    this.#requests.inc({ plane, status_class: statusClass });
    this.#requestSeconds.observe({ plane }, durationMs / 1000);
  }

  http(route: string, method: string | undefined, status: number): void {
    this.#http.inc({ route, method: METHODS.has(method ?? '') ? method : OTHER, status });
  }

  refreshed(source: 'console' | 'manifest', outcome: 'ok' | 'incomplete' | 'failed'): void {
    this.#refreshes.inc({ source, outcome });
  }

  #label(tool: string): string {
    if (this.#named.has(tool)) return tool;
    if (this.#named.size >= MAX_TOOLS) return OTHER;
    this.#named.add(tool);
    return tool;
  }

  #counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, labelNames: readonly string[]): Histogram {
    const registers = [this.#registry];
    return new Histogram({ name: PREFIX + name, help, labelNames, buckets: CALL_SECONDS, registers });
  }

  #gauge(
    name: string,
    help: string,
    labelNames: readonly string[] = [],
    collect?: (gauge: Gauge) => void,
  ): Gauge {
    const gauge: Gauge = new Gauge({
      name: PREFIX + name,
      help,
      labelNames,
      registers: [this.#registry],
      ...(collect !== undefined && { collect: () => collect(gauge) }),
    });
    return gauge;
  }
}
