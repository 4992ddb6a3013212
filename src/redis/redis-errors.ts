import { ErrorReply } from '@redis/client';
import { BridgeError } from '../model/errors.ts';

/** Answers at the beginning of a connection that will be the same at the next attempt. */
const LASTING_ERRORS = /^(NOAUTH|WRONGPASS|NOPERM|ERR )/;
/** What the client reports for an answer that is not Redis's. */
const NOT_REDIS = /^Unknown RESP type/;

const HINT =
  'The log of the bridge says why; doctor checks it. Calls without hand-off and files go on meanwhile.';

/** `state_unavailable`: Redis does not answer or fails a command; `reason` is a few words. */
export function unavailable(reason: string, cause?: unknown): BridgeError {
  return new BridgeError('state_unavailable', `The Redis that keeps files and results ${reason}.`, {
    hint: HINT,
    cause,
  });
}

/** The error of one command, for the reader: without address and content. */
export function commandError(error: unknown): unknown {
  if (error instanceof BridgeError || !(error instanceof Error)) return error;
  if (!(error instanceof ErrorReply)) return unavailable('cannot be reached', error);
  if (error.message.startsWith('OOM')) return unavailable('has no memory left', error);
  return unavailable(`refuses a command (${wordOf(error)})`, error);
}

/** The error for wrong settings, from the first attempt to connect; undefined where another attempt may succeed. */
export function settingsError(error: Error): BridgeError | undefined {
  if (NOT_REDIS.test(error.message)) {
    return wrong('What answers there is not Redis.', 'Set it to the address of a Redis: redis://host:6379.');
  }
  if (!(error instanceof ErrorReply) || !LASTING_ERRORS.test(error.message)) return undefined;
  if (/DB index/.test(error.message)) {
    return wrong('Redis has no database of that number.', 'Leave the number at the end of the address out.');
  }
  return wrong(
    `Redis refuses the login (${wordOf(error)}).`,
    'Set state.redisPassword (DIFY_BRIDGE_REDIS_PASSWORD), or put the password into the address: redis://:PASSWORD@host:6379.',
  );
}

function wrong(message: string, hint: string): BridgeError {
  return new BridgeError('config_invalid', `state.redisUrl cannot be used. ${message}`, { hint });
}

/** The first word of an answer of Redis, which names the kind of error. */
function wordOf({ message }: Error): string {
  return /^[A-Z]+/.exec(message)?.[0] ?? 'error';
}
