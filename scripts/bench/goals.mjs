// The figures that are compared with goals: as ratios of one run, because those of a floor vary with the machine as the
// bridge's do.

/** Returns each goal with its value and whether it is met. */
export function goalsOf({ calls, service, start, thousand, progress, memory }) {
  const ratio = (title, kind) => {
    const row = calls.rows.find((candidate) => candidate.title === title && candidate.inFlight === 16);
    return row.floors.find((floor) => floor.kind === kind).cpuRatio;
  };
  const http = calls.rows.filter(({ title, inFlight }) => title.startsWith('HTTP') && inFlight === 16);
  const started = start.filter(({ title }) => title.startsWith('bridge'));
  const stdio = memory.rows.find(({ transport }) => transport === 'stdio');
  return [
    atMost('CPU a call, stdio : SDK v1', ratio('stdio', 'sdk-v1'), 2),
    atMost('CPU a call, HTTP session : SDK v1', ratio('HTTP, session', 'sdk-v1'), 1.2),
    atMost('CPU a call, HTTP 2026-07-28 : SDK v2', ratio('HTTP, 2026-07-28', 'sdk-v2'), 1.1),
    atMost(
      'CPU a call, HTTP 2026-07-28 : node:http without an SDK',
      ratio('HTTP, 2026-07-28', 'node-http'),
      4.5,
    ),
    atMost(
      'CPU a call with key, limits, metrics, trace context and audit : without',
      Math.max(...service.map(({ team }) => team)),
      1.15,
    ),
    {
      name: 'the same with an OpenTelemetry SDK : without',
      value: Math.max(...service.map(({ sdk }) => sdk)),
      goal: 'none',
      met: true,
    },
    atLeast(
      'calls a second of CPU time, HTTP',
      Math.min(...http.map(({ bridge }) => 1e6 / bridge.cpuUs)),
      2000,
    ),
    atMost('spawn to the first list over stdio, ms', Math.max(...started.map(({ ms }) => ms)), 220),
    atMost('resident after the first list, stdio, MB', (stdio.first.bridge ?? Number.NaN) / 1e6, 80),
    atMost('CPU of a list of 1,000 tools : SDK', Math.max(...thousand.rows.map((row) => row.ratio)), 0.7),
    atMost(
      'first message of Dify to progress, p50, ms',
      Math.max(...progress.map(({ p50Ms }) => p50Ms)),
      1.5,
    ),
  ];
}

function atMost(name, value, limit) {
  return { name, value, goal: `≤ ${limit}`, met: value <= limit };
}

function atLeast(name, value, limit) {
  return { name, value, goal: `≥ ${limit}`, met: value >= limit };
}
