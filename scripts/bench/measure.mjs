// Measures a server under load.

/** Returns the median. */
export function median(numbers) {
  const sorted = numbers.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Makes concurrent calls for a given time. Returns how long each took, in milliseconds. */
export async function load(call, inFlight, ms) {
  const latencies = [];
  const startedAt = performance.now();
  const lane = async () => {
    for (let now = performance.now(); now - startedAt < ms; ) {
      await call();
      const then = now;
      now = performance.now();
      latencies.push(now - then);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { latencies, ms: performance.now() - startedAt };
}

/** Makes a number of concurrent calls. Until V8 has compiled what they run, a call costs two to three times as much. */
export async function repeat(call, inFlight, count) {
  let left = count;
  const lane = async () => {
    for (; left > 0; left -= 1) await call();
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** Measures a server under load for one window: CPU time per call (µs), p50 (ms) and calls per second. */
export async function measure(server, call, inFlight, ms) {
  const before = await server.usage();
  const { latencies, ms: took } = await load(call, inFlight, ms);
  const after = await server.usage();
  return {
    cpuUs: (after.cpuUs - before.cpuUs) / latencies.length,
    p50Ms: median(latencies),
    perSecond: (latencies.length / took) * 1000,
  };
}

/** Returns a call of the echo tool that checks that the answer belongs to it. */
export function echoCall({ send }, name) {
  let number = 0;
  return async () => {
    number += 1;
    const text = `call ${number} `.padEnd(64, '.');
    const answer = await send('tools/call', { name, arguments: { text } });
    if (!answer.includes(text)) throw new Error(`A call got a wrong answer: ${answer.slice(0, 400)}`);
  };
}
