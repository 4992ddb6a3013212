import { BridgeError } from '../model/errors.ts';

/** Where a tools/call carries the caller's key for its piece of work: a name of ours, as `_meta` demands. */
export const IDEMPOTENCY_KEY_META_KEY = 'io.github.dify-mcp-bridge/idempotency-key';

/**
 * The idempotency key of a request; undefined where it has none.
 * @throws BridgeError `invalid_arguments` where it is no text.
 */
export function idempotencyKeyOf(meta: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const key = meta?.[IDEMPOTENCY_KEY_META_KEY];
  if (key === undefined || typeof key === 'string') return key;
  throw new BridgeError('invalid_arguments', 'The idempotency key of a call must be a text.', {
    problems: [
      { path: `/_meta/${IDEMPOTENCY_KEY_META_KEY.replace('/', '~1')}`, message: 'expected a string' },
    ],
    hint: 'Nothing was sent to Dify. A UUID for each piece of work is a good key.',
  });
}
