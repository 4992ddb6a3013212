import { cutText } from '../model/cut-text.ts';
import { BridgeError } from '../model/errors.ts';
import { withoutUndefined } from '../model/json.ts';
import { REDACTED, type Secrets } from '../model/secrets.ts';

const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_TEXT = 2000;
const MAX_DECIDED = 200;

/** Names whose values are secrets. Names are compared in lower case, without dashes and underscores. */
const SECRET_NAME =
  /(apikey|secretkey|password|passwd|secret|token|authorization|cookie|setcookie|signature|credentials)$/;

/**
 * Returns a copy of a value that is safe to log as JSON. Replaces values under secret names, reduces errors to their
 * useful members, cuts long texts and lists, and breaks cycles. Never throws.
 */
export function loggable(value: unknown, secrets: Secrets): unknown {
  return copy(value, { secrets, depth: 0, parents: [] });
}

interface Place {
  readonly secrets: Secrets;
  readonly depth: number;
  readonly parents: readonly object[];
}

function copy(value: unknown, place: Place): unknown {
  try {
    switch (typeof value) {
      case 'string':
        // Masks before cutting, because half a secret would not be recognised in the finished line.
        return value.length > MAX_TEXT ? cutText(place.secrets.mask(value), MAX_TEXT) : value;
      case 'bigint':
        return value.toString();
      case 'function':
      case 'symbol':
        return `[${typeof value}]`;
      case 'object':
        return value === null ? null : copyObject(value, place);
      default:
        return value;
    }
  } catch {
    return '[unreadable]';
  }
}

function copyObject(value: object, { secrets, depth, parents }: Place): unknown {
  if (parents.includes(value)) return '[circular]';
  if (depth >= MAX_DEPTH) return '[deeper]';
  const inside = { secrets, depth: depth + 1, parents: [...parents, value] };
  if (value instanceof Error) return copyError(value, inside);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof URL) return value.href;
  if (value instanceof Map) return copyObject(Object.fromEntries(value), { secrets, depth, parents });
  if (Array.isArray(value) || value instanceof Set) {
    const items = [...value];
    const shown = items.slice(0, MAX_ITEMS).map((item) => copy(item, inside));
    return items.length > MAX_ITEMS ? [...shown, `[${items.length - MAX_ITEMS} more]`] : shown;
  }
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const member = read(value, name);
    // JSON leaves it out anyway.
    if (member === undefined) continue;
    result[name] = isSecretName(name) ? REDACTED : copy(member, inside);
  }
  return result;
}

/** The decisions about the names of recent log lines. Most lines have the same names. */
const decided = new Map<string, boolean>();

function isSecretName(name: string): boolean {
  const known = decided.get(name);
  if (known !== undefined) return known;
  const isSecret = SECRET_NAME.test(name.toLowerCase().replace(/[-_]/g, ''));
  if (decided.size === MAX_DECIDED) decided.clear();
  decided.set(name, isSecret);
  return isSecret;
}

/** Returns a property. If its getter throws, returns a marker, so that the other properties are still logged. */
function read(value: object, name: string): unknown {
  try {
    return (value as Record<string, unknown>)[name];
  } catch {
    return '[unreadable]';
  }
}

/** Returns the members of an error to log. Only unexpected errors include their stack. */
function copyError(error: Error, inside: Place): unknown {
  const cause = copy(error.cause, inside);
  if (error instanceof BridgeError) {
    const { code, message, upstream } = error;
    return withoutUndefined({ code, message, upstream: upstream && { ...upstream }, cause });
  }
  const { name: type, code } = error as NodeJS.ErrnoException;
  const [message, stack] = [copy(error.message, inside), copy(error.stack, inside)];
  return withoutUndefined({ type, message, code, stack, cause });
}
