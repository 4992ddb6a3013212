import { BridgeError } from '../../model/errors.ts';
import { writeJson } from '../../model/well-formed.ts';
import type { ToolInvokeMessage } from '../../model/message.ts';
import type { Invoker } from '../../model/ports.ts';
import type { Secrets } from '../../model/secrets.ts';
import { errorFromAnswer } from '../wire/answer-errors.ts';
import type { InnerAccess } from '../files/download-request.ts';
import { decodeFrames } from './frames.ts';
import type { DifyAnswer, DifyHttp } from '../wire/http.ts';
import { quoted } from '../wire/plain-words.ts';
import { isWebPage } from '../wire/reply.ts';
import { toToolInvokeMessage } from './wire-message.ts';

export interface InvokerOptions extends InnerAccess {
  /** The largest accepted message, in bytes. */
  readonly maxFrameBytes: number;
  /** The most bytes of all messages of one call. */
  readonly maxAnswerBytes: number;
}

const PATH = '/inner/api/invoke/tool';
const MAX_MESSAGE = 4000;
/** These releases cannot return files of workflow tools (fixed in 1.13.0). Only the name of a field shows the bug. */
const FILE_OUTPUT_BUG = { versions: new Set(['1.12.0', '1.12.1']), field: 'file_marker' };

/** Returns an invoker for Dify's inner API. Leaving the stream or aborting the signal closes the request. */
export function createInvoker(http: DifyHttp, options: InvokerOptions): Invoker {
  const { innerApiKey, tenantId, ...limits } = options;
  return {
    async *invoke({ providerType, providerId, tool }, parameters, { userId, credentialId, signal }) {
      const body = {
        tenant_id: tenantId,
        user_id: userId,
        tool_type: providerType,
        provider: providerId,
        tool,
        tool_parameters: parameters,
        credential_id: credentialId,
      };
      const headers = { 'x-inner-api-key': innerApiKey };
      const answer = await http.send({ method: 'POST', path: PATH, headers, body, signal });
      if (answer.status !== 200 || isWebPage(answer)) throw await errorFromAnswer(answer);
      for await (const frame of decodeFrames(answer.body, limits)) {
        if (frame.error !== undefined) throw errorFromFrame(frame.error, answer);
        yield withoutSecrets(toToolInvokeMessage(frame.data), http.secrets);
      }
    },
  };
}

/** Returns `tool_failed` for a frame that reports a failed tool, with the plain sentence out of the plugin's JSON. */
export function errorFromFrame(text: string, answer: Pick<DifyAnswer, 'mask' | 'version'>): BridgeError {
  const { version } = answer;
  const words = quoted(answer, text, MAX_MESSAGE);
  if (words === '') {
    return new BridgeError('tool_failed', 'The tool failed without saying why.', {
      hint: "Dify's plugin daemon may have stopped during the call: see the log of Dify's api service for the cause.",
    });
  }
  const isFileBug =
    version !== undefined && FILE_OUTPUT_BUG.versions.has(version) && text.includes(FILE_OUTPUT_BUG.field);
  const hint = isFileBug
    ? `Dify ${version} cannot return files of workflow tools: update it to 1.13 or later, or let the workflow output the url of the file as a string.`
    : undefined;
  return new BridgeError('tool_failed', `The tool failed: ${words}`, { hint });
}

/** Masks log steps and unreadable messages, where a server in Dify's place may quote the request. */
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
  const json = writeJson(message.raw);
  const masked = secrets.maskKnown(json);
  if (masked === json) return message;
  return { ...message, wireType: secrets.maskKnown(message.wireType), raw: masked };
}
