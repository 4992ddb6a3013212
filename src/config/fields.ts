import * as z from 'zod';
import { DURATION_PATTERN, parseDuration, parseSize, SIZE_PATTERN } from './units.ts';

const UUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

/** Paths that people copy along with the address; the bridge adds them itself. */
const API_PATHS = /\/(console\/api|inner\/api|v1|api|files|apps|signin|install)(\/.*)?$/;

/** Any text but the empty one. */
export const text = z
  .string({ error: 'expected text (in the file, put it in quotes)' })
  .min(1, { error: 'expected text, got an empty one' });

/** The base address of Dify, without a slash at its end. */
export const httpUrl = text.transform((value, context) => {
  const problem = urlProblem(value.trim());
  if (problem === undefined) return value.trim().replace(/\/+$/, '');
  context.addIssue({ code: 'custom', message: problem });
  return z.NEVER;
});

/** A UUID. */
export const uuid = text.regex(UUID, {
  error: 'expected a UUID, such as 3f2a6c1e-0000-4000-8000-5b9d2c7e1f04',
});

/** The empty text, or a UUID. */
export const uuidOrEmpty = z
  .string({ error: 'expected text (in the file, put it in quotes)' })
  .refine((value) => value === '' || UUID.test(value), {
    error: 'expected the id of a Dify end user (a UUID), or nothing: Dify refuses any other text',
  });

/** A whole number within the limits, both included. */
export function wholeNumber(min: number, max: number): z.ZodInt {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** `true` or `false`. */
export const flag = z.boolean({ error: 'expected true or false' });

/** One of the listed words. */
export function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `expected one of ${values.join(', ')}` });
}

/** A list of texts. */
export const list = z.array(text, {
  error: 'expected a list (in an environment variable, separated by commas)',
});

/** A duration with its unit, in milliseconds afterwards. */
export function duration(min: string, max: string) {
  const error = `expected a duration with its unit (ms, s, m or h) from ${min} to ${max}`;
  const [low, high] = [parseDuration(min) ?? 0, parseDuration(max) ?? 0];
  return z
    .string({ error })
    .regex(DURATION_PATTERN, { error })
    .transform((value, context) => {
      const ms = parseDuration(value) ?? Number.NaN;
      if (ms >= low && ms <= high) return ms;
      context.addIssue({ code: 'custom', message: error });
      return z.NEVER;
    });
}

/** A size with its unit or as a number of bytes, in bytes afterwards. */
export function size(min: string, max: string) {
  const error = `expected a size (bytes, or with a unit: KB, MB, KiB, MiB …) from ${min} to ${max}`;
  const [low, high] = [parseSize(min) ?? 0, parseSize(max) ?? 0];
  return z
    .union([z.string().regex(SIZE_PATTERN, { error }), z.int().nonnegative({ error })], { error })
    .transform((value, context) => {
      const bytes = typeof value === 'number' ? value : (parseSize(value) ?? Number.NaN);
      if (bytes >= low && bytes <= high) return bytes;
      context.addIssue({ code: 'custom', message: error });
      return z.NEVER;
    });
}

function urlProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    return /^[\w.-]+(:\d+)?(\/|$)/.test(value)
      ? 'the address has no scheme: put http:// or https:// before it'
      : 'expected an address that starts with http:// or https://, such as http://api:5001';
  }
  if (url.username !== '' || url.password !== '') {
    return 'the address must not carry a user name or a password';
  }
  if (url.search !== '' || url.hash !== '') return 'the address must not carry a ? or # part';
  const path = API_PATHS.exec(url.pathname);
  if (path !== null) {
    return `leave off ${path[0]}: give the base address alone, the bridge adds the paths itself`;
  }
  return undefined;
}
