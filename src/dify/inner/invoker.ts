import { BridgeError } from '../../model/errors.ts';
import type { ToolInvokeMessage } from '../../model/message.ts';
import type { InvokeOptions, Invoker } from '../../model/ports.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Secrets } from '../../model/secrets.ts';
import type { ToolRef } from '../../model/tool.ts';
import { errorFromAnswer } from '../wire/answer-errors.ts';
import { decodeFrames } from './frames.ts';
import type { DifyAnswer, DifyHttp } from '../wire/http.ts';
import { quoted } from '../wire/plain-words.ts';
import { isWebPage } from '../wire/reply.ts';
import { toToolInvokeMessage } from './wire-message.ts';

/** The settings of an invoker. */
export interface InvokerOptions {
  /**
   * The api service's INNER_API_KEY_FOR_PLUGIN. It grants access to every workspace of the installation.
   */
  readonly innerApiKey: string;
  readonly tenantId: string;
  /** The largest accepted message, in bytes. */
  readonly maxFrameBytes: number;
  /** The most bytes of all messages of one call. */
  readonly maxAnswerBytes: number;
}

const PATH = '/inner/api/invoke/tool';
const MAX_MESSAGE = 4000;
/**
 * These releases cannot return files of workflow tools (fixed in 1.13.0). Only the name of a field
 * identifies the bug.
 */
const FILE_OUTPUT_BUG = { versions: new Set(['1.12.0', '1.12.1']), field: 'file_marker' };

/**
 * Returns an invoker that uses Dify's inner API, as plugins do (reverse invocation). It sends one POST
 * per call, and only when the stream is read. Leaving the stream early or aborting the signal closes the
 * request.
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
    credential_id: credentialId,
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
  if (answer.status !== 200 || isWebPage(answer)) throw await errorFromAnswer(answer);
  for await (const frame of decodeFrames(answer.body, { maxFrameBytes, maxAnswerBytes })) {
    if (frame.error !== undefined) throw errorFromFrame(frame.error, answer);
    yield withoutSecrets(toToolInvokeMessage(frame.data), http.secrets);
  }
}

/**
 * Returns `tool_failed` for a frame that reports a failed tool, with the person-written sentence taken
 * out of the plugin's JSON. The hint names a bug of two Dify releases.
 */
export function errorFromFrame(text: string, answer: Pick<DifyAnswer, 'mask' | 'version'>): BridgeError {
  const { version } = answer;
  const words = quoted(answer, text, MAX_MESSAGE);
  if (words === '') {
    return new BridgeError('tool_failed', 'The tool failed without saying why.', {
      hint: "Dify's plugin daemon may have stopped during the call: see the log of Dify's api service for the cause.",
    });
  }
  const message = `The tool failed: ${words}`;
  const isFileBug =
    version !== undefined && FILE_OUTPUT_BUG.versions.has(version) && text.includes(FILE_OUTPUT_BUG.field);
  if (!isFileBug) return new BridgeError('tool_failed', message);
  return new BridgeError('tool_failed', message, {
    hint: `Dify ${version} cannot return files of workflow tools: update it to 1.13 or later, or let the workflow output the url of the file as a string.`,
  });
}

/**
 * Returns the message without secrets if it is a log step or unreadable: a server in Dify's place may
 * quote the request there. Leaves the tool's own output unchanged.
 */
function withoutSecrets(message: ToolInvokeMessage, secrets: Secrets): ToolInvokeMessage {
  if (message.type === 'log') {
    const { label, status, error } = message.log;
    const words = {
      label: secrets.mask(label),
      status: secrets.mask(status),
      error: error === undefined ? undefined : secrets.mask(error),
    };
    return { type: 'log', log: { ...message.log, ...words } };
  }
  if (message.type !== 'unknown') return message;
  const json = JSON.stringify(message.raw);
  const masked = secrets.maskKnown(json);
  if (masked === json) return message;
  return { ...message, wireType: secrets.maskKnown(message.wireType), raw: masked };
}
