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
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
  };
}

/** Returns by how many milliseconds a zone is ahead of UTC at a moment. */
export function zoneOffsetMs(moment: number, zone: string): number {
  const { year, month, day, hour, minute, second } = localTime(moment, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000;
}

/** A time in strftime letters; an unknown letter stays as it is. */
export function formatTime(time: LocalTime, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = new Date(Date.UTC(time.year, time.month - 1, time.day));
  const name = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat('en-US', { ...options, timeZone: 'UTC' }).format(date);
  return format.replaceAll(/%([a-zA-Z%])/g, (whole, letter: string) => {
    switch (letter) {
      case 'Y':
        return String(time.year).padStart(4, '0');
      case 'm':
        return two(time.month);
      case 'd':
        return two(time.day);
      case 'H':
        return two(time.hour);
      case 'I':
        return two(time.hour % 12 === 0 ? 12 : time.hour % 12);
      case 'M':
        return two(time.minute);
      case 'S':
        return two(time.second);
      case 'p':
        return time.hour < 12 ? 'AM' : 'PM';
      case 'A':
        return name({ weekday: 'long' });
      case 'a':
        return name({ weekday: 'short' });
      case 'B':
        return name({ month: 'long' });
      case 'b':
        return name({ month: 'short' });
      case '%':
        return '%';
      default:
        return whole;
    }
  });
}
