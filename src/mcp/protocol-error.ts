import { ProtocolError } from '@modelcontextprotocol/server';
import type { BridgeError } from '../model/errors.ts';
import { withoutUndefined } from '../model/json.ts';

/**
 * Returns a BridgeError as the JSON-RPC error that the SDK sends when a handler throws it: the number from ERROR_RULES,
 * message, problems and hint as the message, and in `data` the bridge's own code and how long to wait.
 */
export function protocolError(error: BridgeError): ProtocolError {
  const { code, retryAfterSeconds } = error;
  return new ProtocolError(error.rule.rpc, error.toText(), withoutUndefined({ code, retryAfterSeconds }));
}
