import {
  INTERNAL_ERROR,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  Server,
  type Transport,
} from '@modelcontextprotocol/server';
import { BridgeError } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';
import { isRequest, MODERN_REVISION, paramsProblem } from './incoming.ts';
import { refusal } from './refusal.ts';

/** The SDK's message for a result that it cannot encode. */
const SDK_FAILURE = 'Internal error';

/** What 2026-07-28 removed, among the methods whose parameters are checked. Revisions are dates and compare as texts. */
const LEGACY_METHODS: ReadonlySet<string> = new Set(['initialize', 'logging/setLevel']);

/**
 * The SDK's server, which answers requests with wrong parameters in the bridge's words. The SDK answers them with the
 * dump of a validator, and some with the code for an internal error.
 */
export class CheckedServer extends Server {
  override async connect(transport: Transport): Promise<void> {
    await super.connect(transport);
    const { onmessage } = transport;
    const send = transport.send.bind(transport);
    transport.onmessage = (message, extra) => {
      if (!isRequest(message)) return onmessage?.(message, extra);
      const request = withArguments(message);
      const problem = this.#isKnown(request) ? paramsProblem(request.method, request.params) : undefined;
      if (problem !== undefined) {
        send(wrongParams(request.id, problem)).catch((error: unknown) => this.onerror?.(error as Error));
        return;
      }
      onmessage?.(request, extra);
    };
    transport.send = (message, options) => send(withoutDump(message), options);
  }

  /**
   * The SDK would check a tools/call twice more, and its result once, which takes a tenth of a call. The request is
   * checked above and by its handler, and the result is made here.
   */
  protected override _wrapHandler(...[method, handler]: Parameters<Server['_wrapHandler']>) {
    return method === 'tools/call' ? handler : super._wrapHandler(method, handler);
  }

  /** Whether the revision of the client has the method. */
  #isKnown({ method }: JSONRPCRequest): boolean {
    const revision = this.getNegotiatedProtocolVersion();
    return revision === undefined || revision < MODERN_REVISION || !LEGACY_METHODS.has(method);
  }
}

/** `"arguments": null` means no arguments, as many clients send it. */
function withArguments(request: JSONRPCRequest): JSONRPCRequest {
  if (request.method !== 'tools/call' || request.params?.['arguments'] !== null) return request;
  return { ...request, params: { ...request.params, arguments: {} } };
}

/** Replaces an error that the SDK made of a failed validation. The bridge's own errors have a code in their data. */
function withoutDump(message: JSONRPCMessage): JSONRPCMessage {
  if (!('error' in message) || message.id === undefined) return message;
  const { code, data, message: text } = message.error;
  const isOwn = isJsonObject(data) && 'code' in data;
  if (code !== INTERNAL_ERROR || isOwn || text === SDK_FAILURE) return message;
  return wrongParams(message.id, 'The parameters of the request are not as MCP defines them.');
}

function wrongParams(id: RequestId, problem: string): JSONRPCMessage {
  return { ...refusal(new BridgeError('invalid_params', problem), id), id };
}
