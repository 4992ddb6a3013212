import { cutText } from '../model/cut-text.ts';
import { BridgeError } from '../model/errors.ts';
import { withoutUndefined } from '../model/json.ts';
import { REDACTED, type Secrets } from '../model/secrets.ts';

const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_TEXT = 2000;

/** Names whose values are secrets wherever they occur, compared without case, dashes and underscores. */
const SECRET_NAME =
  /(apikey|secretkey|password|passwd|secret|token|authorization|cookie|setcookie|signature|credentials)$/;

/**
 * A copy of a value that JSON can carry and a log may show: secrets under telling names replaced, errors
 * reduced to what helps, long texts and lists cut, cycles broken. Never throws.
 */
export function loggable(value: unknown, secrets: Secrets): unknown {
  return copy(value, { secrets, depth: 0, parents: [] });
}

/** Where in the value a part of it is. */
interface Place {
  readonly secrets: Secrets;
  readonly depth: number;
  readonly parents: readonly object[];
}

function copy(value: unknown, place: Place): unknown {
  try {
    switch (typeof value) {
      case 'string':
        // Half a secret would not be recognised in the finished line.
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
    result[name] = SECRET_NAME.test(name.toLowerCase().replace(/[-_]/g, ''))
      ? REDACTED
      : copy(read(value, name), inside);
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

/** A BridgeError needs no stack; of an unexpected error the stack is what helps. */
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
