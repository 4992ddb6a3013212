import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import * as z from 'zod';
import { kinds, type SettingKind } from './setting.ts';
import { DURATION_PATTERN, parseDuration, parseSize, SIZE_PATTERN } from './units.ts';

const UUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

/** Paths that people copy with the address; the bridge adds them itself. */
const API_PATHS = /\/(console\/api|inner\/api|v1|api|files|apps|signin|install)(\/.*)?$/;

/** Pages of Dify's user interface, which people copy with the address. */
const PAGES = /\/(apps?|signin|install|explore|datasets|tools|plugins|account|workflow|console\/api)(\/.*)?$/;

export const text = z
  .string({ error: 'expected text (in the file, put it in quotes)' })
  .min(1, { error: 'expected text, got an empty text' });

export const email = text
  .transform((value) => value.trim())
  .refine((value) => /^[^\s@<>]+@[^\s@<>]+$/.test(value), {
    error: 'expected an e-mail address, such as ada@example.com',
  })
  .register(kinds, { kind: 'text' });

/** A password, without what an editor adds: a byte order mark, and line breaks at the end. */
export const password = text
  .transform((value) => value.replace(/^\uFEFF/, '').replace(/[\r\n]+$/, ''))
  .register(kinds, { kind: 'text' });

/** A key that HTTP headers carry. Surrounding white space is removed. */
export const key = keyOf(/^[ -~]+$/, 'expected a key of visible ASCII characters: copy it again');

/** A key that signs. It may have any visible characters. */
export const signingKey = keyOf(/^\P{C}+$/u, 'expected a key without invisible characters: copy it again');

/** Returns the schema of a key. Its errors never quote the key. */
function keyOf(pattern: RegExp, error: string) {
  return parsed('text', (value) => {
    const isQuoted = /^(["'`]).*\1$|^[\u2018-\u201f].*[\u2018-\u201f]$/su.test(value);
    if (isQuoted) return { problem: 'expected a key without quotes around it' };
    if (pattern.test(value)) return value;
    return { problem: /[\r\n]/.test(value) ? 'expected a key on one line' : error };
  });
}

/** Returns the schema of a text. `parse` gets it without surrounding white space. */
function parsed(kind: SettingKind, parse: (text: string) => string | { readonly problem: string }) {
  const schema = text.transform((value, context) => {
    const result = parse(value.trim());
    if (typeof result === 'string') return result;
    context.addIssue({ code: 'custom', message: result.problem });
    return z.NEVER;
  });
  return schema.register(kinds, { kind });
}

/** The base address of Dify, without a trailing slash. */
export const httpUrl = address(urlProblem);

/** Dify's address as a browser shows it; page, query and fragment are dropped. */
export const browserUrl = parsed('url', (value) => {
  const [address = ''] = value.split(/[?#]/, 1);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isPlain = url?.username === '' && url.password === '';
  const base = isPlain ? `${url.origin}${url.pathname.replace(PAGES, '')}` : address;
  const problem = urlProblem(base, 'https://dify.example.com');
  return problem === undefined ? base.replace(/\/+$/, '') : { problem };
});

/** The bridge's own public address, without a trailing slash. */
export const baseUrl = address(baseUrlProblem);

function address(problemOf: (url: string) => string | undefined) {
  return parsed('url', (value) => {
    const problem = problemOf(value);
    return problem === undefined ? value.replace(/\/+$/, '') : { problem };
  });
}

/** The address of a Redis. It may contain a password, so no message quotes any part of it. */
export const redisUrl = text
  .refine(isRedisUrl, {
    error:
      'expected an address of Redis, such as redis://redis:6379 or rediss://:PASSWORD@redis.example.com:6380/1',
  })
  .register(kinds, { kind: 'url' });

export const uuid = text
  .regex(UUID, { error: 'expected a UUID, such as 3f2a6c1e-0000-4000-8000-5b9d2c7e1f04' })
  .register(kinds, { kind: 'uuid' });

/** An empty text, or a UUID. */
export const uuidOrEmpty = z
  .string({ error: 'expected text (in the file, put it in quotes)' })
  .refine((value) => value === '' || UUID.test(value), {
    error: 'expected the id of a Dify end user (a UUID), or an empty text: Dify refuses anything else',
  });

/** A whole number within inclusive limits. */
export function wholeNumber(min: number, max: number): z.ZodInt {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export const flag = z.boolean({ error: 'expected true or false' });

export function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `expected one of ${values.join(', ')}` });
}

export const LIST_ERROR = 'expected a list (in an environment variable, separated by commas)';

export const list = z.array(text, { error: LIST_ERROR });

/** Host names, addresses and networks such as `10.20.0.0/16`. */
export const networks = z.array(
  text.refine(isHostOrNetwork, {
    error: 'expected a host name such as files.example.com, an address, or a network such as 10.20.0.0/16',
  }),
  { error: LIST_ERROR },
);

/** Absolute paths of folders; checked for existence only when used. */
export const folders = z.array(
  text.refine((path) => isAbsolute(path), { error: 'expected the absolute path of a folder' }),
  { error: LIST_ERROR },
);

/** A duration with its unit; the parsed value is in milliseconds. */
export function duration(min: string, max: string) {
  const error = `expected ${durationWords(min, max)}`;
  return z
    .string({ error })
    .regex(DURATION_PATTERN, { error })
    .transform(bounded(parseDuration, min, max, error))
    .register(kinds, { kind: 'duration' });
}

/** A duration, or `off`. */
export function durationOrOff(min: string, max: string) {
  const error = `expected off, or ${durationWords(min, max)}`;
  const inMs = bounded(parseDuration, min, max, error);
  return z
    .string({ error })
    .regex(new RegExp(`^off$|${DURATION_PATTERN.source}`), { error })
    .transform((value, context): number | 'off' => (value === 'off' ? value : inMs(value, context)))
    .register(kinds, { kind: 'duration' });
}

function durationWords(min: string, max: string): string {
  return `a duration with its unit (ms, s, m or h) from ${min} to ${max}`;
}

/** Returns a transformation to a number within inclusive limits. */
function bounded(
  parse: (text: string) => number | undefined,
  min: string,
  max: string,
  error: string,
): (value: string | number, context: z.RefinementCtx) => number {
  const [low, high] = [parse(min) ?? 0, parse(max) ?? 0];
  return (value, context) => {
    const parsed = typeof value === 'number' ? value : (parse(value) ?? Number.NaN);
    if (parsed >= low && parsed <= high) return parsed;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  };
}

/** A size with its unit or in bytes; the parsed value is in bytes. */
export function size(min: string, max: string) {
  const error = `expected a size (bytes, or with a unit: KB, MB, KiB, MiB …) from ${min} to ${max}`;
  return z
    .union([z.string().regex(SIZE_PATTERN, { error }), z.int().nonnegative({ error })], { error })
    .transform(bounded(parseSize, min, max, error))
    .register(kinds, { kind: 'size' });
}

function isRedisUrl(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'redis:' && url?.protocol !== 'rediss:') return false;
  const isPlace = url.hostname !== '' && /^(\/\d*)?$/.test(url.pathname);
  return isPlace && url.search === '' && url.hash === '' && isEncoded(url.username + url.password);
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function isHostOrNetwork(entry: string): boolean {
  const [, base = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const family = isIP(base);
  if (family !== 0) return bits === undefined || Number(bits) <= (family === 4 ? 32 : 128);
  // A number alone would pass as an address.
  return (
    bits === undefined &&
    /^[\p{L}\p{N}._-]+$/u.test(base) &&
    /\p{L}/u.test(base) &&
    URL.canParse(`http://${base}`)
  );
}

function baseUrlProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    return 'expected an address that starts with http:// or https://, such as https://bridge.example.com';
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return 'expected only an address: no user name, no password, no ? or # part';
  }
  return /\/mcp(\/|$)/.test(url.pathname) ? 'omit /mcp: give the address in front of it' : undefined;
}

function urlProblem(value: string, example = 'http://api:5001'): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    return /^[\w.-]+(:\d+)?(\/|$)/.test(value)
      ? 'the address has no scheme: add http:// or https:// in front of it'
      : `expected an address that starts with http:// or https://, such as ${example}`;
  }
  if (url.username !== '' || url.password !== '') {
    return 'the address must not contain a user name or a password';
  }
  if (url.search !== '' || url.hash !== '') return 'the address must not contain a ? or # part';
  const path = API_PATHS.exec(url.pathname);
  if (path !== null) {
    return `omit ${path[0]}: give only the base address, the bridge adds the paths itself`;
  }
  return undefined;
}
