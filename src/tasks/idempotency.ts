import { createHash } from 'node:crypto';
import { BridgeError } from '../model/errors.ts';
import type { Owner } from './task.ts';

/** The longest key, in characters. */
const MAX_KEY = 256;

/** What makes two calls the same piece of work. */
export interface WorkKey {
  /** Owner, tool and key in one text. */
  readonly scope: string;
  /** Equal for equal arguments, whatever the order of their keys. */
  readonly argumentsDigest: string;
}

/**
 * The piece of work that a call belongs to.
 * @throws BridgeError `invalid_arguments` for a key that is empty or too long.
 */
export function workKey(owner: Owner, tool: string, key: string, args: unknown): WorkKey {
  if (key === '' || key.length > MAX_KEY) {
    throw new BridgeError(
      'invalid_arguments',
      `The idempotency key must have 1 to ${MAX_KEY} characters; this one has ${key.length}.`,
      { hint: 'Nothing was sent to Dify. A UUID for each piece of work is a good key.' },
    );
  }
  const argumentsDigest = createHash('sha256')
    .update(JSON.stringify(args ?? {}, inOrder))
    .digest('base64');
  return { scope: JSON.stringify([owner.view, owner.principal, tool, key]), argumentsDigest };
}

/** The key was used for other arguments. */
export function keyConflict(tool: string): BridgeError {
  return new BridgeError(
    'invalid_arguments',
    `The idempotency key was used for a call of ${tool} with other arguments.`,
    { hint: 'Nothing was sent to Dify. Use a new key for new arguments, or the same arguments again.' },
  );
}

/** Objects with their keys in order, for JSON.stringify. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
