import { ErrorReply } from '@redis/client';
import { BridgeError } from '../model/errors.ts';

/** Errors at the start of a connection that every further attempt would repeat. */
const LASTING_ERRORS = /^(NOAUTH|WRONGPASS|NOPERM|ERR )/;
/** The client's error for an answer that is not from Redis. */
const NOT_REDIS = /^Unknown RESP type/;

const HINT =
  'See the log of the bridge or run dify-mcp-bridge doctor. Calls without hand-off and without files still work.';

/** Returns `state_unavailable`: Redis does not answer or fails a command. `reason` is a short phrase. */
export function unavailable(reason: string, cause?: unknown): BridgeError {
  return new BridgeError('state_unavailable', `The Redis that stores files and results ${reason}.`, {
    hint: HINT,
    cause,
  });
}

/** Returns the error for one failed command, without address and content. */
export function commandError(error: unknown): unknown {
  if (error instanceof BridgeError || !(error instanceof Error)) return error;
  if (!(error instanceof ErrorReply)) return unavailable('cannot be reached', error);
  if (error.message.startsWith('OOM')) return unavailable('has no memory left', error);
  return unavailable(`refused a command (${wordOf(error)})`, error);
}

/** Returns the error for wrong settings from the first attempt to connect; undefined if another attempt may succeed. */
export function settingsError(error: Error): BridgeError | undefined {
  if (NOT_REDIS.test(error.message)) {
    return wrong(
      'The server at this address is not Redis.',
      'Set it to the address of a Redis: redis://host:6379.',
    );
  }
  if (!(error instanceof ErrorReply) || !LASTING_ERRORS.test(error.message)) return undefined;
  if (/DB index/.test(error.message)) {
    return wrong('Redis has no database of that number.', 'Remove the number at the end of the address.');
  }
  return wrong(
    `Redis refuses the login (${wordOf(error)}).`,
    'Set state.redisPassword (DIFY_BRIDGE_REDIS_PASSWORD), or put the password into the address: redis://:PASSWORD@host:6379.',
  );
}

function wrong(message: string, hint: string): BridgeError {
  return new BridgeError('config_invalid', `state.redisUrl cannot be used. ${message}`, { hint });
}

/** Returns the first word of a Redis error, which names its kind. */
function wordOf({ message }: Error): string {
  return /^[A-Z]+/.exec(message)?.[0] ?? 'error';
}
