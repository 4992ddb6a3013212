import { BridgeError } from '../model/errors.ts';

/** The member of `_meta` in which a tools/call has its idempotency key. MCP requires a prefix of the bridge's own. */
export const IDEMPOTENCY_KEY_META_KEY = 'io.github.dify-mcp-bridge/idempotency-key';

/**
 * Returns the idempotency key of a request; undefined if it has none.
 * @throws BridgeError `invalid_arguments` if the key is not a string.
 */
export function idempotencyKeyOf(meta: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const key = meta?.[IDEMPOTENCY_KEY_META_KEY];
  if (key === undefined || typeof key === 'string') return key;
  throw new BridgeError('invalid_arguments', 'The idempotency key of a call must be a string.', {
    problems: [
      { path: `/_meta/${IDEMPOTENCY_KEY_META_KEY.replace('/', '~1')}`, message: 'expected a string' },
    ],
    hint: 'Nothing was sent to Dify. Use a new UUID for each piece of work.',
  });
}
