import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type LoggingLevel,
  type RequestId,
} from '@modelcontextprotocol/server';
import { BridgeError } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';

/** The body of a request: a message, or a batch whose members are yet to be checked. */
export type Incoming = JSONRPCMessage | readonly unknown[];

/** The only revision whose messages may come in batches. */
export const BATCH_REVISION = '2025-03-26';

/** The revision without sessions. The SDK's list of revisions, which is for sessions, does not have it. */
export const MODERN_REVISION = '2026-07-28';

const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const satisfies LoggingLevel[];

/** Returns the error for a value that is no single message of MCP; undefined if it is one. */
export function messageError(value: unknown): BridgeError | undefined {
  const malformed = (problem: string): BridgeError => new BridgeError('bad_request', problem);
  if (!isJsonObject(value)) return malformed('The message is not a JSON object.');
  const { jsonrpc, method, id, params } = value;
  if (jsonrpc !== '2.0') return malformed('The message has no "jsonrpc" member with the value "2.0".');
  if ('id' in value && !isRequestId(id)) {
    return malformed('The id of a message must be a string or a whole number.');
  }
  if ('method' in value) {
    if (typeof method !== 'string') return malformed('The method of a message must be a string.');
    if (params !== undefined && !isJsonObject(params)) {
      return malformed('The params of a message must be an object.');
    }
    const problem = metaProblem(params?.['_meta']);
    if (problem !== undefined) return new BridgeError('invalid_params', `${method}: ${problem}`);
  }
  const isKnown = isJSONRPCRequest(value) || isJSONRPCNotification(value) || isJSONRPCResponse(value);
  return isKnown ? undefined : malformed('The message is not a JSON-RPC request, notification or response.');
}

/** Returns whether a message that passed `messageError` is a request. The SDK's guard validates it again. */
export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}

/** Returns the ID of the request that a message cancels; undefined if it cancels none. */
export function cancelledId(message: JSONRPCMessage): RequestId | undefined {
  if (!('method' in message) || message.method !== 'notifications/cancelled') return undefined;
  const id = message.params?.['requestId'];
  return isRequestId(id) ? id : undefined;
}

/** The SDK takes a message with such parameters for no message at all. */
function metaProblem(meta: unknown): string | undefined {
  if (meta === undefined) return undefined;
  if (!isJsonObject(meta)) return '_meta must be an object.';
  const { progressToken: token } = meta;
  if (token === undefined || isRequestId(token)) return undefined;
  return '_meta.progressToken must be a string or a whole number.';
}

/** Returns the ID of a message that is refused; null if it has none that can be repeated. */
export function idOf(value: unknown): string | number | null {
  const id = isJsonObject(value) ? value['id'] : undefined;
  return isRequestId(id) ? id : null;
}

/** Returns the error for a request whose ID another has that is still in progress. */
export function idInUse(id: RequestId): BridgeError {
  return new BridgeError('bad_request', `A request with the ID ${JSON.stringify(id)} is still in progress.`, {
    hint: 'Give each request of a session an ID of its own.',
  });
}

/** Returns what is wrong with the parameters of a request, as a sentence; undefined if nothing is known to be. */
export function paramsProblem(method: string, params: unknown): string | undefined {
  const given = isJsonObject(params) ? params : {};
  const wrong = (member: string, expected: string): string => `${method}: ${member} must be ${expected}.`;
  switch (method) {
    case 'initialize': {
      const { protocolVersion, capabilities, clientInfo } = given;
      if (typeof protocolVersion !== 'string') return wrong('protocolVersion', 'a string');
      if (!isJsonObject(capabilities)) return wrong('capabilities', 'an object');
      const hasNames =
        isJsonObject(clientInfo) &&
        typeof clientInfo['name'] === 'string' &&
        typeof clientInfo['version'] === 'string';
      return hasNames ? undefined : wrong('clientInfo', 'an object with name and version, both strings');
    }
    case 'logging/setLevel':
      return LOG_LEVELS.some((level) => level === given['level'])
        ? undefined
        : wrong('level', `one of ${LOG_LEVELS.join(', ')}`);
    case 'tools/call':
      if (typeof given['name'] !== 'string') return wrong('name', 'the name of a tool');
      return given['arguments'] === undefined || isJsonObject(given['arguments'])
        ? undefined
        : wrong('arguments', 'an object');
    case 'resources/read':
      return typeof given['uri'] === 'string' ? undefined : wrong('uri', 'a string');
    case 'tools/list':
    case 'resources/list':
    case 'resources/templates/list':
      return given['cursor'] === undefined || typeof given['cursor'] === 'string'
        ? undefined
        : wrong('cursor', 'a string');
    default:
      return undefined;
  }
}

function isRequestId(value: unknown): value is string | number {
  return typeof value === 'string' || Number.isSafeInteger(value);
}
