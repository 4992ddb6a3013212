/** Returns a function that runs `write` at most once every `intervalMs`, with the number of calls since then. */
export function throttled(intervalMs: number, write: (calls: number) => void): () => void {
  let calls = 0;
  let quietUntil = Number.NEGATIVE_INFINITY;
  return () => {
    calls += 1;
    const now = performance.now();
    if (now < quietUntil) return;
    quietUntil = now + intervalMs;
    write(calls);
    calls = 0;
  };
}
