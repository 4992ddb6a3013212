import type { RequestId } from '@modelcontextprotocol/server';
import type { BridgeError } from '../model/errors.ts';
import { withoutUndefined } from '../model/json.ts';

/**
 * Returns a BridgeError as a JSON-RPC response: the number from ERROR_RULES, message, problems and hint as the message,
 * and in `data` the bridge's own code and how long to wait.
 */
export function refusal(error: BridgeError, id: RequestId | null) {
  const { code, rule, retryAfterSeconds } = error;
  const data = withoutUndefined({ code, retryAfterSeconds });
  return { jsonrpc: '2.0', id, error: { code: rule.rpc, message: error.toText(), data } } as const;
}
