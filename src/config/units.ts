const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

const SIZE_UNITS = {
  B: 1,
  KB: 1000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
} as const;

/** A number and its unit: `250ms`, `60s`, `20m`, `1.5h`. The unit is required. */
export const DURATION_PATTERN = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/;

/** A number and its unit: `900B`, `1MB` (1,000,000 bytes), `30MiB` (31,457,280 bytes). */
export const SIZE_PATTERN = /^(\d+(?:\.\d+)?) ?(B|KB|MB|GB|KiB|MiB|GiB)$/;

/** Returns the milliseconds of a duration; undefined if the text is not one. */
export function parseDuration(text: string): number | undefined {
  return parse(text, DURATION_PATTERN, DURATION_UNITS);
}

/** Returns the bytes of a size; undefined if the text is not one. */
export function parseSize(text: string): number | undefined {
  return parse(text, SIZE_PATTERN, SIZE_UNITS);
}

function parse(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const match = pattern.exec(text.trim());
  const factor = units[match?.[2] ?? ''];
  return match === null || factor === undefined ? undefined : Math.round(Number(match[1]) * factor);
}
