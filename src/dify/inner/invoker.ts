import type { ToolInvokeMessage } from '../../model/message.ts';
import type { InvokeOptions, Invoker } from '../../model/ports.ts';
import type { JsonObject } from '../../model/json.ts';
import type { ToolRef } from '../../model/tool.ts';
import { faultFromErrorFrame } from './error-frame.ts';
import { faultFromAnswer, isWebPage } from '../wire/answer-errors.ts';
import { decodeFrames } from './frames.ts';
import type { DifyHttp } from '../wire/http.ts';
import { toToolInvokeMessage } from './wire-message.ts';

/** What an invocation needs besides the tool. */
export interface InvokerOptions {
  /** The api service's INNER_API_KEY_FOR_PLUGIN. It opens every workspace of the installation. */
  readonly innerApiKey: string;
  readonly tenantId: string;
  /** The largest message that is accepted, in bytes. */
  readonly maxFrameBytes: number;
  /** The most bytes of all messages of one call. */
  readonly maxAnswerBytes: number;
}

const PATH = '/inner/api/invoke/tool';

/**
 * Invokes tools through Dify's inner API, the road that plugins take (reverse invocation). One POST a call; nothing
 * is sent before the stream is read. Leaving the stream early closes the request, as aborting the signal does.
 */
export function createInvoker(http: DifyHttp, options: InvokerOptions): Invoker {
  return {
    invoke: (ref, parameters, call) =>
      stream(http, options, toBody(ref, parameters, call, options), call.signal),
  };
}

function toBody(
  ref: ToolRef,
  parameters: JsonObject,
  { userId, credentialId }: InvokeOptions,
  { tenantId }: InvokerOptions,
): JsonObject {
  return {
    tenant_id: tenantId,
    user_id: userId,
    tool_type: ref.providerType,
    provider: ref.providerId,
    tool: ref.tool,
    tool_parameters: parameters,
    ...(credentialId !== undefined && { credential_id: credentialId }),
  };
}

async function* stream(
  http: DifyHttp,
  { innerApiKey, maxFrameBytes, maxAnswerBytes }: InvokerOptions,
  body: JsonObject,
  signal: AbortSignal,
): AsyncGenerator<ToolInvokeMessage, void, undefined> {
  const headers = { 'x-inner-api-key': innerApiKey };
  const answer = await http.send({ method: 'POST', path: PATH, headers, body, signal });
  if (answer.status !== 200 || isWebPage(answer)) throw await faultFromAnswer(answer);
  for await (const frame of decodeFrames(answer.body, { maxFrameBytes, maxAnswerBytes })) {
    if (frame.error !== undefined) throw faultFromErrorFrame(frame.error, answer.version);
    yield toToolInvokeMessage(frame.data);
  }
}
