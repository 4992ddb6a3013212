const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);

/** The time that a wall clock in some zone shows. */
export interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Returns a zone's wall-clock time at a moment in milliseconds since the epoch. */
export function localTime(moment: number, zone: string): LocalTime {
  const numeric = 'numeric' as const;
  const fields = {
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  };
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...fields });
  const parts = format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]);
  return Object.fromEntries(parts) as LocalTime;
}

/** Returns by how many milliseconds a zone is ahead of UTC at a moment. */
export function zoneOffsetMs(moment: number, zone: string): number {
  const { year, month, day, hour, minute, second } = localTime(moment, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000;
}

/** A time in strftime letters; an unknown letter stays as it is. */
export function formatTime(time: LocalTime, format: string): string {
  const { year, month, day, hour, minute, second } = time;
  const two = (value: number): string => String(value).padStart(2, '0');
  const weekday = WEEKDAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()] ?? '';
  const monthName = MONTHS[month - 1] ?? '';
  const letters: Readonly<Record<string, string>> = {
    Y: String(year).padStart(4, '0'),
    m: two(month),
    d: two(day),
    H: two(hour),
    I: two(hour % 12 || 12),
    M: two(minute),
    S: two(second),
    p: hour < 12 ? 'AM' : 'PM',
    A: weekday,
    a: weekday.slice(0, 3),
    B: monthName,
    b: monthName.slice(0, 3),
    '%': '%',
  };
  return format.replaceAll(/%([a-zA-Z%])/g, (whole, letter: string) => letters[letter] ?? whole);
}
