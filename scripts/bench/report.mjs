// Formats the results for people.
import { GOALS } from './model-cost.mjs';

/** The bridge's performance targets. */
export const TARGETS = {
  cpuRatio: 1.3,
  firstListMs: 300,
  rssBytes: 90 * 1_000_000,
  fileBytes: 60 * 1_000_000,
  largeListMs: 5,
  largeBytes: 210 * 1_000_000,
};

const MODEL_PARTS = {
  list: 'tools/list of declared plugins, for a model',
  official: 'tools/list of the official plugins, for a model',
  results: 'results of fixed calls, for a model',
};

/** Returns which targets were met. */
export function verdicts({ calls, start, file, large, memory, model }) {
  const worst = Math.max(...calls.rows.map(({ cpuRatio }) => cpuRatio));
  const rss = Math.max(...memory.rows.map(({ rest }) => rest.bridge ?? Number.NaN));
  const slowest = Math.max(...large.legs.map(({ cpuUs }) => cpuUs / 1000));
  const highest = Math.max(large.searchPeakBytes, ...large.legs.map(({ peakBytes }) => peakBytes));
  return [
    {
      name: 'CPU per call, the worst case',
      value: `${worst.toFixed(2)} x floor`,
      target: '1.30 x floor',
      met: worst <= TARGETS.cpuRatio,
    },
    {
      name: 'first tools/list after spawn',
      value: `${start.bridge.toFixed(0)} ms`,
      target: '300 ms',
      met: start.bridge <= TARGETS.firstListMs,
    },
    {
      name: 'resident memory at rest',
      value: megabytes(rss),
      target: megabytes(TARGETS.rssBytes),
      met: rss <= TARGETS.rssBytes,
    },
    {
      name: 'memory above rest for a file of 100 MB',
      value: megabytes(file.aboveIdleBytes),
      target: megabytes(TARGETS.fileBytes),
      met: file.aboveIdleBytes <= TARGETS.fileBytes,
    },
    {
      name: `tools/list of ${large.tools} tools, later ones, the worst transport`,
      value: `${slowest.toFixed(1)} ms`,
      target: '5.0 ms',
      met: slowest <= TARGETS.largeListMs,
    },
    {
      name: `memory with ${large.tools} tools, at most`,
      value: megabytes(highest),
      target: megabytes(TARGETS.largeBytes),
      met: highest <= TARGETS.largeBytes,
    },
    ...Object.entries(GOALS).flatMap(([part, { tokens }]) =>
      model[part] === undefined
        ? []
        : [
            {
              name: MODEL_PARTS[part],
              value: `${model[part].tokens} tokens`,
              target: `${tokens} tokens`,
              met: model[part].tokens <= tokens,
            },
          ],
    ),
  ];
}

/** Returns all results as text. */
export function report(results) {
  const { machine, calls, start, memory, list, large, picture, file, decodeUs, convertUs, registryMs } =
    results;
  const pair = ({ bridge, floor }, digits) => [bridge.toFixed(digits), floor.toFixed(digits)];
  return [
    `Node.js ${machine.node}, ${machine.cpus} x ${machine.cpu}`,
    '',
    'One call of a tool that answers one text; the floor is a bare SDK server that makes the same request with fetch.',
    table([
      ['', 'CPU per call, us', '', '', 'p50, ms', '', 'calls per second', ''],
      ['', 'bridge', 'floor', 'ratio', 'bridge', 'floor', 'bridge', 'floor'],
      ...calls.rows.map(({ title, cpuUs, cpuRatio, p50Ms, perSecond }) => [
        title,
        ...pair(cpuUs, 0),
        cpuRatio.toFixed(2),
        ...pair(p50Ms, 2),
        ...pair(perSecond, 0),
      ]),
    ]),
    '',
    table([
      ['', 'bridge', 'floor'],
      ['spawn to first tools/list, ms', ...pair(start, 0)],
      ['  the slowest of them', start.slowest.toFixed(0), ''],
      ...memory.rows.flatMap(({ transport, first, rest }) => [
        [`resident after the first list, ${transport}`, megabytes(first.bridge), megabytes(first.floor)],
        [`  after ${memory.seconds.toFixed(0)} s of rest`, megabytes(rest.bridge), megabytes(rest.floor)],
      ]),
      ['resident after the calls, stdio', megabytes(calls.rssAfterBytes), ''],
      ...list.map(({ tools, cpuUs, bytes }) => [
        `tools/list of ${tools} tools (${(bytes / 1000).toFixed(0)} kB), us of CPU`,
        cpuUs.toFixed(0),
        '',
      ]),
      ...large.legs.flatMap(({ title, bytes, cpuUs, peakBytes }) => [
        [
          `tools/list of ${large.tools} tools (${(bytes / 1000).toFixed(0)} kB), ${title}, us of CPU`,
          cpuUs.toFixed(0),
          '',
        ],
        ['  resident at most', megabytes(peakBytes), ''],
      ]),
      [`mode search with ${large.tools} tools, resident at most`, megabytes(large.searchPeakBytes), ''],
      ['result with a picture of 1 MB, ms', picture.p50Ms.toFixed(1), ''],
      ['  us of CPU', picture.cpuUs.toFixed(0), ''],
      [`file of ${megabytes(file.bytes)} in and out, ms`, file.ms.toFixed(0), ''],
      ['  resident above rest', megabytes(file.aboveIdleBytes), ''],
      ['frame decoded, us', decodeUs.toFixed(2), ''],
      ['message converted, us', convertUs.toFixed(2), ''],
      ['registry of 1,000 tools, ms', registryMs.toFixed(0), ''],
    ]),
    '',
    table([
      ['target', 'is', 'at most', ''],
      ...verdicts(results).map(({ name, value, target, met }) => [
        name,
        value,
        target,
        met ? 'met' : 'MISSED',
      ]),
    ]),
  ].join('\n');
}

function megabytes(bytes) {
  return bytes === undefined || Number.isNaN(bytes) ? 'unknown' : `${(bytes / 1_000_000).toFixed(0)} MB`;
}

/** Returns columns of equal width; all but the first are right-aligned. */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
