import { ProtocolError } from '@modelcontextprotocol/server';
import type { BridgeError } from '../model/errors.ts';
import { refusal } from './refusal.ts';

/** Returns a BridgeError as the JSON-RPC error that the SDK sends when a handler throws it: see `refusal`. */
export function protocolError(error: BridgeError): ProtocolError {
  const { code, message, data } = refusal(error, null).error;
  return new ProtocolError(code, message, data);
}
