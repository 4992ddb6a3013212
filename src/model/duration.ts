const [MINUTE, HOUR] = [60_000, 3_600_000];

/** Formats a duration in the largest unit that fits exactly: `24 hours`, `21 minutes`, `1.5 seconds`, `250 ms`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  const [unit, size] =
    ms % HOUR === 0 ? ['hour', HOUR] : ms % MINUTE === 0 ? ['minute', MINUTE] : ['second', 1000];
  const amount = Number((ms / size).toFixed(1));
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`;
}
