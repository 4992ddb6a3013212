import { BridgeError } from '../model/errors.ts';

const REDACTED = '[redacted]';
const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_TEXT = 2000;
/** A shorter secret would blot out ordinary words wherever they occur. */
const MIN_SECRET = 6;

/** Names whose values are secrets wherever they occur, compared without case, dashes and underscores. */
const SECRET_NAME =
  /(apikey|secretkey|password|passwd|secret|token|authorization|cookie|setcookie|signature|credentials)$/;

/** Secrets inside texts: signed links and bearer tokens. */
const SECRET_IN_TEXT: readonly (readonly [RegExp, string])[] = [
  [/\b(sign|signature|nonce|token|access_token|api_key)=[^&"'\s\\]+/gi, `$1=${REDACTED}`],
  [/\bBearer\s+[\w.~+/=-]+/gi, `Bearer ${REDACTED}`],
];

/**
 * A copy of a value that JSON can carry and a log may show: secrets under telling names replaced, errors
 * reduced to what helps, long texts and lists cut, cycles broken. Never throws.
 */
export function loggable(value: unknown): unknown {
  return copy(value, 0, []);
}

/** Removes known secrets, tokens and signatures from a finished log line. */
export function scrubber(secrets: readonly string[]): (line: string) => string {
  const known = secrets
    .filter((secret) => secret.length >= MIN_SECRET)
    .flatMap((secret) => [secret, escaped(secret), escaped(escaped(secret)), encodeURIComponent(secret)]);
  return (line) => {
    let clean = line;
    for (const secret of known) clean = clean.replaceAll(secret, REDACTED);
    for (const [pattern, replacement] of SECRET_IN_TEXT) clean = clean.replace(pattern, replacement);
    return clean;
  };
}

/** As it stands inside a JSON text; twice for JSON that is itself a field. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function copy(value: unknown, depth: number, parents: readonly object[]): unknown {
  try {
    switch (typeof value) {
      case 'string':
        return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
      case 'bigint':
        return value.toString();
      case 'function':
      case 'symbol':
        return `[${typeof value}]`;
      case 'object':
        return value === null ? null : copyObject(value, depth, parents);
      default:
        return value;
    }
  } catch {
    return '[unreadable]';
  }
}

function copyObject(value: object, depth: number, parents: readonly object[]): unknown {
  if (parents.includes(value)) return '[circular]';
  if (depth >= MAX_DEPTH) return '[deeper]';
  const next = [...parents, value];
  if (value instanceof Error) return copyError(value, depth, next);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof URL) return value.href;
  if (value instanceof Map) return copyObject(Object.fromEntries(value), depth, parents);
  if (Array.isArray(value) || value instanceof Set) {
    const items = [...value];
    const shown = items.slice(0, MAX_ITEMS).map((item) => copy(item, depth + 1, next));
    return items.length > MAX_ITEMS ? [...shown, `[${items.length - MAX_ITEMS} more]`] : shown;
  }
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    result[name] = SECRET_NAME.test(name.toLowerCase().replace(/[-_]/g, ''))
      ? REDACTED
      : copy(read(value, name), depth + 1, next);
  }
  return result;
}

/** A property; one whose getter throws says so instead of taking its neighbours with it. */
function read(value: object, name: string): unknown {
  try {
    return (value as Record<string, unknown>)[name];
  } catch {
    return '[unreadable]';
  }
}

/** An expected error needs no stack; of a fault in the program the stack is the point. */
function copyError(error: Error, depth: number, parents: readonly object[]): unknown {
  const cause = error.cause === undefined ? {} : { cause: copy(error.cause, depth + 1, parents) };
  if (error instanceof BridgeError) {
    const { code, message, upstream } = error;
    return { code, message, upstream: upstream && { ...upstream }, ...cause };
  }
  const code = (error as NodeJS.ErrnoException).code;
  return {
    type: error.name,
    message: copy(error.message, depth, parents),
    code,
    stack: copy(error.stack, depth, parents),
    ...cause,
  };
}
