// Formats the results for people.
import { readFileSync, writeFileSync } from 'node:fs';
import { goalsOf } from './goals.mjs';
import { GOALS } from './model-cost.mjs';

/** The targets that are not ratios to a floor: see goals.mjs. */
const TARGETS = {
  rssBytes: 90 * 1_000_000,
  fileBytes: 60 * 1_000_000,
  largeListMs: 5,
  largeBytes: 210 * 1_000_000,
};

const PERFORMANCE = new URL('../../docs/performance.md', import.meta.url);
const FLOORS = { 'sdk-v1': 'SDK v1', 'sdk-v2': 'SDK v2', 'node-http': 'node:http' };

const MODEL_PARTS = {
  list: 'tools/list of declared plugins, for a model',
  official: 'tools/list of the official plugins, for a model',
  workspace: 'tools/list of a recorded workspace, for a model',
  results: 'results of fixed calls, for a model',
};

/** Returns which targets were met. */
export function verdicts(results) {
  const { file, large, memory, model } = results;
  const rss = Math.max(...memory.rows.map(({ rest }) => rest.bridge ?? Number.NaN));
  const slowest = Math.max(...large.legs.map(({ cpuUs }) => cpuUs / 1000));
  const highest = Math.max(large.searchPeakBytes, ...large.legs.map(({ peakBytes }) => peakBytes));
  return [
    ...goalsOf(results).map(({ value, goal, ...rest }) => ({
      ...rest,
      value: value.toFixed(2),
      target: goal,
    })),
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
  const goals = verdicts(results).map(({ name, value, target, met }) => [
    name,
    value,
    target,
    met ? 'met' : 'MISSED',
  ]);
  return [
    machineOf(results),
    ...tables(results).flatMap(({ title, rows }) => ['', title, table(rows)]),
    '',
    table([['target', 'is', 'goal', ''], ...goals]),
  ].join('\n');
}

/** Replaces the figures in docs/performance.md. */
export function saveFigures(results) {
  const goals = goalsOf(results).map(({ name, value, goal, met }) => [
    name,
    value.toFixed(2),
    goal,
    met ? 'yes' : 'no',
  ]);
  saveBlock('figures', 'npm run bench -- --save', [
    machineOf(results),
    markdown([['compared in one run', 'is', 'goal', 'met'], ...goals]),
    ...tables(results).flatMap(({ title, rows }) => [title, markdown(rows)]),
  ]);
}

/** Replaces the figures of a command in docs/performance.md. */
export function saveBlock(name, command, parts) {
  const [begin, end] = [`<!-- ${name}: ${command} -->`, `<!-- /${name} -->`];
  const page = readFileSync(PERFORMANCE, 'utf8');
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`docs/performance.md has no place for ${name}.`);
  writeFileSync(PERFORMANCE, `${before}${begin}\n\n${parts.join('\n\n')}\n\n${end}${after}`);
}

export function machineOf({ machine }) {
  const { node, cpus, cpu, system, versions } = machine;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Node.js ${node}, Linux ${system}, ${cpus} × ${cpu}; ${packages.join(', ')}.`;
}

/** Returns the results as tables, the first row of each with the names of its columns. */
function tables({ calls, start, memory, thousand, progress, list, large, picture, file, ...single }) {
  const { decodeUs, convertUs, registryMs } = single;
  return [
    {
      title: 'A call of a tool that answers one text, with 1 and 16 calls in flight:',
      rows: [
        ['', 'in flight', 'server', 'CPU per call, µs', 'bridge : server', 'p50, ms', 'calls a second'],
        ...calls.rows.flatMap(({ title, inFlight, bridge, floors }) => [
          callRow(title, inFlight, 'bridge', bridge),
          ...floors.map((floor) => callRow(title, inFlight, FLOORS[floor.kind], floor)),
        ]),
      ],
    },
    {
      title: 'From spawn to the answer of the first tools/list over stdio:',
      rows: [
        ['', 'ms', 'CPU, ms', 'resident'],
        ...start.map(({ title, ms, cpuMs, rssBytes }) => [
          title,
          ms.toFixed(0),
          cpuMs.toFixed(0),
          megabytes(rssBytes),
        ]),
      ],
    },
    {
      title: `A list of ${thousand.tools} tools after the first:`,
      rows: [
        ['', 'bridge, µs of CPU', 'SDK, µs of CPU', 'bridge : SDK'],
        ...thousand.rows.map(({ title, floor, bridgeUs, floorUs, ratio }) => [
          `${title} : ${FLOORS[floor]}`,
          bridgeUs.toFixed(0),
          floorUs.toFixed(0),
          ratio.toFixed(2),
        ]),
      ],
    },
    {
      title: 'From the first message of Dify to the progress at the client:',
      rows: [
        ['', 'p50, ms', 'p95, ms'],
        ...progress.map(({ title, p50Ms, p95Ms }) => [title, p50Ms.toFixed(2), p95Ms.toFixed(2)]),
      ],
    },
    {
      title: 'Other figures of the bridge:',
      rows: [
        ['', 'is'],
        ...memory.rows.flatMap(({ transport, first, rest }) => [
          [`resident after the first list, ${transport}`, megabytes(first.bridge)],
          [`resident after ${memory.seconds.toFixed(0)} s of rest, ${transport}`, megabytes(rest.bridge)],
        ]),
        ['resident after the calls, stdio', megabytes(calls.rssAfterBytes)],
        ...list.map(({ tools, cpuUs, bytes }) => [
          `tools/list of ${tools} tools (${(bytes / 1000).toFixed(0)} kB), µs of CPU`,
          cpuUs.toFixed(0),
        ]),
        ...large.legs.flatMap(({ title, bytes, cpuUs, peakBytes }) => [
          [
            `tools/list of ${large.tools} tools (${(bytes / 1000).toFixed(0)} kB), ${title}, µs of CPU`,
            cpuUs.toFixed(0),
          ],
          [`resident at most, ${title}`, megabytes(peakBytes)],
        ]),
        [`mode search with ${large.tools} tools, resident at most`, megabytes(large.searchPeakBytes)],
        ['result with a picture of 1 MB, ms', picture.p50Ms.toFixed(1)],
        ['result with a picture of 1 MB, µs of CPU', picture.cpuUs.toFixed(0)],
        [`file of ${megabytes(file.bytes)} in and out, ms`, file.ms.toFixed(0)],
        [`resident above rest for a file of ${megabytes(file.bytes)}`, megabytes(file.aboveIdleBytes)],
        ['frame decoded, µs', decodeUs.toFixed(2)],
        ['message converted, µs', convertUs.toFixed(2)],
        ['registry of 1,000 tools, ms', registryMs.toFixed(0)],
      ],
    },
  ];
}

function callRow(title, inFlight, server, { cpuUs, cpuRatio, p50Ms, perSecond }) {
  return [
    title,
    String(inFlight),
    server,
    cpuUs.toFixed(0),
    cpuRatio?.toFixed(2) ?? '',
    p50Ms.toFixed(2),
    perSecond.toFixed(0),
  ];
}

export function markdown([names, ...rows]) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(names), `|${names.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

export function megabytes(bytes) {
  return bytes === undefined || Number.isNaN(bytes) ? 'unknown' : `${(bytes / 1_000_000).toFixed(0)} MB`;
}

/** Returns columns of equal width; all but the first are right-aligned. */
export function table(rows) {
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
