import { durationText } from '../../model/duration.ts';
import { BridgeError } from '../../model/errors.ts';
import { objectOf } from '../../model/json.ts';
import { writeJson } from '../../model/well-formed.ts';
import type { ToolInvokeMessage } from '../../model/message.ts';
import type { Invoker } from '../../model/ports.ts';
import type { Secrets } from '../../model/secrets.ts';
import type { ToolRef } from '../../model/tool.ts';
import { errorFromAnswer } from '../wire/answer-errors.ts';
import { endUser } from '../files/upload-request.ts';
import type { ConsoleSession } from '../console/session.ts';
import { type CallTarget, kindOf, knownFailure } from '../wire/failures.ts';
import type { InnerAccess } from '../files/download-request.ts';
import type { Frame } from './frame.ts';
import { decodeFrames } from './frames.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import type { DifyHttp } from '../wire/http.ts';
import { quoted } from '../wire/plain-words.ts';
import { isWebPage } from '../wire/reply.ts';
import { toToolInvokeMessage } from './wire-message.ts';

export interface InvokerOptions extends InnerAccess {
  /** Resolves with the headers that authenticate at the console, which workflow tools of Dify 1.4.1 need too. */
  readonly consoleHeaders?: ConsoleSession['headers'] | undefined;
  /** The largest accepted message, in bytes. */
  readonly maxFrameBytes: number;
  /** The most bytes of all messages of one call. */
  readonly maxAnswerBytes: number;
}

const PATH = '/inner/api/invoke/tool';
const MAX_MESSAGE = 4000;
/** These releases cannot return files of workflow tools (fixed in 1.13.0). Only the name of a field shows the bug. */
const FILE_OUTPUT_BUG = { versions: new Set(['1.12.0', '1.12.1']), field: 'file_marker' };
/** This release runs workflow tools only for a request that carries a console login too (fixed in 1.4.2). */
const NEEDS_CONSOLE = '1.4.1';
/** A plugin that fails after a silence this long, in milliseconds, has died: Dify waits 600 s for one that is gone. */
const DEAD_AFTER_MS = 60_000;

/** Returns an invoker for Dify's inner API. Leaving the stream or aborting the signal closes the request. */
export function createInvoker(http: DifyHttp, options: InvokerOptions): Invoker {
  const { innerApiKey, tenantId, consoleHeaders, ...limits } = options;

  const needsLogin = ({ providerType }: ToolRef): boolean =>
    providerType === 'workflow' && http.version() === NEEDS_CONSOLE;

  return {
    async *invoke(ref, parameters, { userId, credentialId, providerLabel, signal, memory, exchange }) {
      const body = {
        tenant_id: tenantId,
        user_id: endUser(http, tenantId, userId),
        tool_type: ref.providerType,
        provider: ref.providerId,
        tool: ref.tool,
        tool_parameters: parameters,
        credential_id: credentialId,
      };
      const login = needsLogin(ref) ? await consoleHeaders?.(signal) : undefined;
      const headers = { ...login, 'x-inner-api-key': innerApiKey };
      const target = { ...ref, providerLabel };
      let heardAt = performance.now();
      const answer = await http.send({ method: 'POST', path: PATH, headers, body, signal, exchange });
      if (answer.status !== 200 || isWebPage(answer)) throw await errorFromAnswer(answer, target);
      for await (const frame of decodeFrames(answer.body, { ...limits, memory, signal, isKept })) {
        if (frame.error !== undefined) {
          throw errorFromFrame(frame.error, answer, { target, silentMs: performance.now() - heardAt });
        }
        heardAt = performance.now();
        yield withoutSecrets(toToolInvokeMessage(frame.data), http.secrets);
      }
    },
  };
}

/**
 * Returns the error for a frame that reports a failure: `tool_failed` with the plain sentence out of the plugin's JSON,
 * or the error for a fault of Dify itself. `silentMs` is the time since the frame before.
 */
export function errorFromFrame(
  text: string,
  answer: Pick<DifyAnswer, 'mask' | 'version'>,
  { target, silentMs }: { readonly target: CallTarget; readonly silentMs: number },
): BridgeError {
  const { version } = answer;
  const words = quoted(answer, text, MAX_MESSAGE);
  // Dify writes no text for an error of its plugin daemon; a plugin's own error is wrapped even if it has none.
  if (text.trim() === '' && kindOf(target) === 'plugin') return pluginDied(silentMs);
  if (words === '') return new BridgeError('tool_failed', 'The tool failed without saying why.');
  if (
    version === NEEDS_CONSOLE &&
    target.providerType === 'workflow' &&
    text.startsWith('401 Unauthorized')
  ) {
    const message = `Dify ${version} runs workflow tools only for requests that carry a login of its console.`;
    const hint =
      'Do not retry; tell the user that the operator of the bridge must set DIFY_ADMIN_API_KEY, or update Dify to 1.4.2 or later.';
    return new BridgeError('upstream_unauthorized', message, { hint });
  }
  const known = knownFailure(text, words, target);
  if (known !== undefined) return known;
  const isFileBug =
    version !== undefined && FILE_OUTPUT_BUG.versions.has(version) && text.includes(FILE_OUTPUT_BUG.field);
  const hint = isFileBug
    ? `Do not retry; tell the user that Dify ${version} cannot return files of workflow tools: 1.13 and later can, and a workflow can output the url of a file as a string.`
    : undefined;
  return new BridgeError('tool_failed', `The tool failed: ${words}`, { hint });
}

function pluginDied(silentMs: number): BridgeError {
  const message =
    silentMs < DEAD_AFTER_MS
      ? "The plugin or Dify's plugin daemon stopped in the middle of the call."
      : `The plugin died in the middle of the call: Dify heard nothing from it for ${durationText(Math.round(silentMs / 1000) * 1000)}.`;
  return new BridgeError('stream_broken', message, {
    hint:
      'The tool may have taken effect: check before calling it again. If this happens again, tell the user that the ' +
      'operator of Dify must look into the log of plugin_daemon.',
  });
}

/** Returns false for a step of the tool, which is reported and then forgotten. */
function isKept({ data }: Frame): boolean {
  return objectOf(data)['type'] !== 'log';
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
