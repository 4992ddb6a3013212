// Many sessions of both eras over four views and 20 principals, each call with its own payload:
//   npm run soak -- --sessions 1000 --calls 100000
// Checks that every answer is the caller's own, and prints the memory of the bridge.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressOf, connectHttpModern, connectHttpSession } from '../bench/clients.mjs';
import { memoryOf, environmentOf, startServer, startUpstream } from '../bench/processes.mjs';
import { createKey } from '../bench/service.mjs';
import { published } from '../bench/wire.mjs';

const VIEWS = ['', '/one', '/two', '/three'];
const PRINCIPALS = 20;
const CLIENTS_AT_ONCE = 64;
/** What the memory may grow from the first to the last third, in bytes. */
const GROWTH_BYTES = 32 * 1024 ** 2;

export async function soakSessions(sessions, calls) {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-sessions-'));
  const config = join(folder, 'config.yaml');
  writeFileSync(config, 'views: { one: {}, two: {}, three: {} }\n', { mode: 0o600 });
  const upstream = await startUpstream(16);
  const env = {
    DIFY_BRIDGE_CONFIG: config,
    DIFY_BRIDGE_CALLS_MAX_QUEUED: String(CLIENTS_AT_ONCE * 2),
    DIFY_BRIDGE_LIMITS_RATE_PER_PRINCIPAL: '1000000',
  };
  const names = ['default', 'one', 'two', 'three'];
  const common = { ...environmentOf(upstream.url), ...env };
  const keys = Array.from({ length: PRINCIPALS }, (_, n) => createKey(common, `client-${n}`, names));
  const server = startServer('bridge', 'http', upstream.url, { env, gauge: false });
  try {
    const url = await addressOf(server);
    const clients = [];
    for (let id = 0; id < sessions; id += 1) {
      const connect = id % 2 === 0 ? connectHttpSession : connectHttpModern;
      const authorization = `Bearer ${keys[id % PRINCIPALS]}`;
      clients.push(await connect(`${url}${VIEWS[id % VIEWS.length]}`, { authorization }));
    }
    console.log(
      `soak: ${sessions} sessions, ${VIEWS.length} views, ${PRINCIPALS} principals, ${calls} calls`,
    );
    const wrong = [];
    const memory = [];
    const every = Math.ceil(calls / 12);
    let next = 0;
    const lane = async () => {
      while (next < calls) {
        const number = next;
        next += 1;
        const text = `session ${number % sessions} call ${number}.`;
        const answer = await clients[number % sessions].send('tools/call', {
          name: published('echo'),
          arguments: { text },
        });
        if (!answer.includes(`echo of ${text}`)) wrong.push(`${text} got ${answer.slice(0, 200)}`);
        if (number % every === 0) {
          memory.push(memoryOf(server.child.pid).now);
          console.log(`soak: ${number} calls, ${(memory.at(-1) / 1e6).toFixed(0)} MB`);
        }
      }
    };
    await Promise.all(Array.from({ length: CLIENTS_AT_ONCE }, lane));
    const third = Math.ceil(memory.length / 3);
    const grew = Math.max(...memory.slice(-third)) - Math.max(...memory.slice(0, third));
    for (const line of wrong.slice(0, 20)) console.error(`soak: ${line}`);
    console.log(`soak: ${wrong.length} wrong answers; memory grew by ${(grew / 1e6).toFixed(1)} MB`);
    return wrong.length === 0 && grew < GROWTH_BYTES;
  } finally {
    await server.stop();
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
