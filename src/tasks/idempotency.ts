import { hash } from 'node:crypto';
import { BridgeError } from '../model/errors.ts';
import { canonicalJson } from '../model/exact-json.ts';
import type { Json } from '../model/json.ts';
import type { Owner } from './task.ts';

/** The longest key, in characters. */
const MAX_KEY = 256;

/** Identifies a piece of work: two calls with equal keys are one. */
export interface WorkKey {
  /** Owner, tool and idempotency key as one string. */
  readonly scope: string;
  /** Does not depend on the order of the arguments' keys. */
  readonly argumentsDigest: string;
}

/**
 * Returns the work key of a call.
 * @throws BridgeError `invalid_arguments` if the idempotency key is empty or too long.
 */
export function workKey(owner: Owner, tool: string, key: string, args: unknown): WorkKey {
  if (key === '' || key.length > MAX_KEY) {
    throw new BridgeError(
      'invalid_arguments',
      `The idempotency key must have 1 to ${MAX_KEY} characters; this one has ${key.length}.`,
      { hint: 'Nothing was sent to Dify. Use a new UUID for each piece of work.' },
    );
  }
  const argumentsDigest = hash('sha256', canonicalJson((args ?? {}) as Json), 'base64');
  return { scope: JSON.stringify([owner.view, owner.principal, tool, key]), argumentsDigest };
}

export function keyConflict(tool: string): BridgeError {
  return new BridgeError(
    'invalid_arguments',
    `The idempotency key was already used for a call of ${tool} with other arguments.`,
    { hint: 'Nothing was sent to Dify. Use a new key, or repeat the earlier arguments.' },
  );
}
