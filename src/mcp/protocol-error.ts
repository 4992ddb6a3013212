import { ProtocolError } from '@modelcontextprotocol/server';
import { asBridgeError, type BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import { refusal } from './refusal.ts';

/** Returns a BridgeError as the JSON-RPC error that the SDK sends when a handler throws it: see `refusal`. */
export function protocolError(error: BridgeError): ProtocolError {
  const { code, message, data } = refusal(error, null).error;
  return new ProtocolError(code, message, data);
}

/** Resolves as `work` does. Rejects with its error as a ProtocolError, and logs an error that is the bridge's own fault. */
export async function withProtocolErrors<T>(
  method: string,
  logger: Logger,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof ProtocolError) throw thrown;
    const error = asBridgeError(thrown);
    if (error.code === 'internal') logger.error('An MCP request failed', { method, error: error.cause });
    throw protocolError(error);
  }
}
