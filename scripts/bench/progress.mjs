// Measures how long a step of a running tool takes from Dify to the client, as a progress notification.
import { LEGS } from './calls.mjs';
import { addressOf } from './clients.mjs';
import { median } from './measure.mjs';
import { startServer } from './processes.mjs';
import { published } from './wire.mjs';

/** Returns the p50 and p95 in milliseconds for each leg of the bridge. */
export async function benchProgress(upstreamUrl, calls) {
  const rows = [];
  for (const { title, transport, connect } of LEGS) {
    const server = startServer('bridge', transport, upstreamUrl);
    const address = transport === 'http' ? await addressOf(server) : undefined;
    const client = await connect({ ...server, address: () => address });
    const taken = [];
    for (let call = 0; call < calls; call += 1) {
      const name = published('step');
      await client.send('tools/call', { name, arguments: {}, _meta: { progressToken: call } }, (text) => {
        const [, sentAt] = /at (\d+\.\d+)/.exec(text) ?? [];
        if (sentAt !== undefined) taken.push(performance.timeOrigin + performance.now() - Number(sentAt));
      });
    }
    await server.stop();
    if (taken.length < calls) throw new Error(`${title}: only ${taken.length} of ${calls} steps arrived.`);
    const sorted = taken.toSorted((one, other) => one - other);
    rows.push({ title, p50Ms: median(taken), p95Ms: sorted[Math.floor(sorted.length * 0.95)] });
  }
  return rows;
}
