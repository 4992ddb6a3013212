import { ProtocolError } from '@modelcontextprotocol/server';
import type { BridgeError } from '../model/errors.ts';

/**
 * Returns a BridgeError as the JSON-RPC error that the SDK sends when a handler throws it: the number from ERROR_RULES,
 * message, problems and hint as the message, and the bridge's own code in `data.code`.
 */
export function protocolError(error: BridgeError): ProtocolError {
  return new ProtocolError(error.rule.rpc, error.toText(), { code: error.code });
}
