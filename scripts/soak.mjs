// Runs two bridges under mixed work and failures for an hour (`npm run soak -- MINUTES SEED`), and checks that every
// answer is right and that memory, handles, sockets and files stay flat. Exits with 1 if not. Linux only. With --sessions N
// --calls N, see soak/sessions.mjs.
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectHttp, connectStdio, KINDS } from './soak/clients.mjs';
import { soakSessions } from './soak/sessions.mjs';
import { sample, verdict } from './soak/watch.mjs';
import { randomFrom, WORK } from './soak/work.mjs';
import { startWorld } from './soak/world.mjs';

if (process.argv[2] === '--sessions') {
  const { sessions, calls } = parseArgs({
    options: { sessions: { type: 'string' }, calls: { type: 'string', default: '100000' } },
  }).values;
  process.exit((await soakSessions(Number(sessions), Number(calls))) ? 0 : 1);
}
const [minutes = 60, seed = Date.now() % 1e9] = process.argv.slice(2).map(Number);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('soak: expected minutes and a whole number as the seed, such as npm run soak -- 60 7');
  process.exit(2);
}
const SAMPLE_MS = Math.min(15_000, minutes * 1000);
/** What fails and for how long, one after the other, with as much time in between. */
const FAILURES = [
  ['dify', 'down', 3000],
  ['redis', 'down', 3000],
  ['dify', 'held', 3000],
  ['redis', 'held', 3000],
];

console.log(`soak: ${minutes} minutes, seed ${seed}`);
const random = randomFrom(seed);
const world = await startWorld();
const counts = Object.fromEntries(Object.keys(WORK).map((kind) => [kind, { done: 0, failed: 0, wrong: 0 }]));
const wrongs = [];
const endsAt = Date.now() + minutes * 60_000;
const isOver = () => Date.now() > endsAt;
/** Whether something fails now, or failed so recently that a call may have met it. */
let troubleUntil = 0;

async function work(connect) {
  let client;
  while (!isOver()) {
    const startedAt = Date.now();
    const kinds = Object.keys(WORK);
    const kind = kinds[random(kinds.length)];
    const count = counts[kind];
    try {
      client ??= await connect();
      const wrong = await WORK[kind](client, random);
      if (wrong === undefined) count.done += 1;
      else note(kind, startedAt, wrong);
    } catch (error) {
      note(kind, startedAt, String(error.message ?? error));
    }
    // Clients come and go. Half of them end their sessions.
    if (random(20) === 0) {
      await client?.close(random(2) === 0).catch(() => undefined);
      client = undefined;
    }
  }
  await client?.close(true).catch(() => undefined);
}

function note(kind, startedAt, what) {
  if (startedAt < troubleUntil || Date.now() < troubleUntil) counts[kind].failed += 1;
  else {
    counts[kind].wrong += 1;
    wrongs.push(`${new Date().toISOString()} ${kind}: ${what}`);
  }
}

async function fail() {
  for (let turn = 0; ; turn += 1) {
    const [what, mode, ms] = FAILURES[turn % FAILURES.length];
    await pause(20_000);
    if (isOver()) return;
    // Afterwards, Redis reconnects within seconds, and a held call ends by its time limit.
    troubleUntil = Date.now() + ms + 25_000;
    world[what].set(mode);
    await pause(ms);
    world[what].set('up');
    await pause(25_000);
  }
}

const samples = [];
async function watch() {
  // The first samples come when caches are full.
  await pause(Math.min(60_000, minutes * 10_000));
  while (!isOver()) {
    samples.push(await sample(world));
    await pause(SAMPLE_MS);
  }
}

try {
  const stdio = await connectStdio(world.bridges.stdio);
  const clients = [
    ...Array.from({ length: 4 }, (_, index) => () => connectHttp(KINDS[index % KINDS.length], world.url)),
    async () => stdio,
    async () => stdio,
  ];
  const failing = fail();
  await Promise.all([...clients.map(work), watch()]);
  void failing;
} finally {
  await world.close();
}

console.table(counts);
const rows = verdict(samples);
console.table(rows.filter(({ before, after }) => before + after > 0));
for (const wrong of wrongs.slice(0, 50)) console.error(`soak: ${wrong}`);
const grew = rows.filter((row) => row.grew).map(({ bridge, figure }) => `${figure} of the ${bridge} bridge`);
if (grew.length > 0) console.error(`soak: grew: ${grew.join(', ')}`);
const isFlat = grew.length === 0 && wrongs.length === 0;
console.log(
  isFlat ? 'soak: every answer was right, and nothing grew' : `soak: failed; repeat with seed ${seed}`,
);
process.exit(isFlat ? 0 : 1);
