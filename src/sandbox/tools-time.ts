import { parameter } from './declaration.ts';
import { text, ToolFailure } from './messages.ts';
import { textOf } from './parameter-values.ts';
import { builtinProvider, defineTool, type SandboxProvider } from './provider.ts';
import { formatTime, type LocalTime, localTime, zoneOffsetMs } from './zoned-time.ts';

const ZONES =
  'UTC America/New_York America/Los_Angeles America/Sao_Paulo Europe/London Europe/Berlin Africa/Nairobi Asia/Kolkata Asia/Shanghai Asia/Tokyo Australia/Sydney'.split(
    ' ',
  );
const DEFAULT_FORMAT = '%Y-%m-%d %H:%M:%S';

const currentTime = defineTool(
  'current_time',
  {
    label: 'Current Time',
    description: 'Returns the current time in the time zone that the workspace prefers.',
    parameters: [
      parameter('format', {
        label: 'Format',
        form: 'form',
        default: DEFAULT_FORMAT,
        description: 'Format of the time, in strftime notation.',
        llm: null,
      }),
      parameter('timezone', {
        label: 'Timezone',
        type: 'select',
        form: 'form',
        default: 'UTC',
        options: ZONES,
        description: 'The time zone of the result.',
        llm: null,
      }),
    ],
  },
  async function* (given) {
    const zone = textOf(given, 'timezone', 'UTC');
    yield text(formatTime(localTime(Date.now(), zone), textOf(given, 'format', DEFAULT_FORMAT)));
  },
);

const timezoneConversion = defineTool(
  'timezone_conversion',
  {
    label: 'Convert between time zones',
    description: 'Converts a time from one time zone to another.',
    parameters: [
      parameter('current_time', {
        label: 'Time',
        required: true,
        description: 'The time to convert, such as 2026-11-22 22:12:12.',
        llm: null,
      }),
      parameter('current_timezone', {
        label: 'Current zone',
        required: true,
        default: 'Asia/Shanghai',
        description: 'The time zone of that time, such as Asia/Shanghai.',
        llm: null,
      }),
      parameter('target_timezone', {
        label: 'Target zone',
        required: true,
        default: 'Asia/Tokyo',
        description: 'The time zone to convert to, such as Asia/Tokyo.',
        llm: null,
      }),
    ],
  },
  async function* (given) {
    const time = parsedTime(textOf(given, 'current_time', ''));
    const wallClock = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);
    const zone = knownZone(textOf(given, 'current_timezone', 'Asia/Shanghai'));
    // The offset at the moment itself. Computed twice, because it may differ from the offset at the first
    // guess.
    const guess = wallClock - zoneOffsetMs(wallClock, zone);
    const moment = wallClock - zoneOffsetMs(guess, zone);
    const target = knownZone(textOf(given, 'target_timezone', 'Asia/Tokyo'));
    yield text(formatTime(localTime(moment, target), DEFAULT_FORMAT));
  },
);

const weekday = defineTool(
  'weekday',
  {
    label: 'Weekday',
    description: 'Returns the weekday of a date.',
    parameters: ['year', 'month', 'day'].map((name) =>
      parameter(name, {
        type: 'number',
        label: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
        required: true,
        description: `The ${name} of the date, as a number.`,
        llm: null,
      }),
    ),
  },
  async function* (given) {
    const { year, month, day } = given;
    if (typeof year !== 'number') throw new ToolFailure('Year is required');
    if (typeof month !== 'number') throw new ToolFailure('Month is required');
    if (typeof day !== 'number') throw new ToolFailure('Day is required');
    const date = new Date(0);
    date.setUTCFullYear(year, month - 1, day);
    if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
      yield text(`Invalid date: Year ${year}, Month ${month}, Day ${day}.`);
      return;
    }
    const time = { year, month, day, hour: 0, minute: 0, second: 0 };
    yield text(formatTime(time, `%B ${day}, ${year} is %A.`));
  },
);

/** The hard-coded provider `time`. */
export const timeProvider: SandboxProvider = builtinProvider('time', {
  label: 'CurrentTime',
  description: 'The current time, time zones and weekdays.',
  author: 'Dify',
  labels: ['utilities'],
  tools: [currentTime, timezoneConversion, weekday],
});

function parsedTime(given: string): LocalTime {
  const fields = /^(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})$/.exec(given)?.slice(1);
  if (fields === undefined) {
    throw new ToolFailure(`time data '${given}' does not match format '${DEFAULT_FORMAT}'`);
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields.map(Number);
  return { year, month, day, hour, minute, second };
}

function knownZone(zone: string): string {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone;
  } catch (cause) {
    throw new ToolFailure(`Unknown time zone: ${zone}`, { cause });
  }
}
