import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../model/json.ts';
import type { Features } from './features.ts';
import type { SandboxMessage, WireMessage } from './messages.ts';
import { ToolFailure, WorkerCrash } from './messages.ts';
import { isPlugin, type SandboxProvider, type SandboxTool, type StoredCredential } from './provider.ts';
import { pythonJson } from './python.ts';
import type { AppContext, SandboxState } from './state.ts';

/** What one frame carries: a message, or the text with which the stream ends in failure. */
type FrameContent = { readonly message: WireMessage } | { readonly error: string };

const MAGIC = 0x0f;
/** Everything before the JSON: magic, a reserved byte, the header's length, the data's length, six zeros. */
const PREFIX_BYTES = 14;
/** Bytes that the header counts for itself: data length and reserve. */
const HEADER_BYTES = 10;

/** A call that passed every check. */
export interface Invocation {
  readonly provider: SandboxProvider;
  readonly tool: SandboxTool;
  readonly parameters: JsonObject;
  /** What the tool is authorised with, where it needs that. */
  readonly credential: StoredCredential | undefined;
}

/**
 * Runs the tool and streams its messages, one chunk for each. Nothing is sent, headers included, before the
 * first frame; a caller who closes the connection aborts the tool.
 */
export async function streamInvocation(
  c: AppContext,
  invocation: Invocation,
  state: SandboxState,
): Promise<Response> {
  const abort = new AbortController();
  // A caller who left during the checks closes nothing any more.
  if (c.env.outgoing.destroyed) abort.abort();
  c.env.outgoing.once('close', () => abort.abort());
  const frames = encodedFrames(invocation, state, abort.signal);
  let next = await frames.next();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (next.done === true) {
          controller.close();
          return;
        }
        controller.enqueue(next.value);
        try {
          next = await frames.next();
        } catch {
          // Only a crash comes here: what a tool fails with is a frame.
          c.env.outgoing.destroy();
          next = { done: true, value: undefined };
        }
      },
      async cancel() {
        abort.abort();
        await frames.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'transfer-encoding': 'chunked' },
  });
}

async function* encodedFrames(
  invocation: Invocation,
  state: SandboxState,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  for await (const content of frameContents(invocation, state, signal)) {
    yield encodeFrame(content, state.features);
  }
  return undefined;
}

async function* frameContents(
  { provider, tool, parameters, credential }: Invocation,
  state: SandboxState,
  signal: AbortSignal,
): AsyncGenerator<FrameContent> {
  const { files, features, workspace } = state;
  const run = { signal, files, features, workspace, credential };
  try {
    for await (const message of tool.run(parameters, run)) {
      yield { message: onTheWire(message, provider, state) };
    }
  } catch (error) {
    if (error instanceof WorkerCrash) throw error;
    // Nobody reads what follows an abort.
    if (!signal.aborted) yield { error: errorText(error, provider, state) };
  }
}

/** What leaves the inner API: bytes become stored files, and old releases leave out what they do not know. */
function onTheWire(message: SandboxMessage, provider: SandboxProvider, state: SandboxState): WireMessage {
  if ('bytes' in message) {
    const { mime_type: mimeType, filename } = message.meta;
    const file = state.files.put(message.bytes, { mimeType, filename });
    const type = mimeType?.includes('image') === true ? 'image_link' : 'binary_link';
    const id = state.features.fileIdsInMeta ? { tool_file_id: file.id } : {};
    return { type, message: { text: file.path }, meta: { ...message.meta, ...id } };
  }
  if (message.type !== 'json') return message;
  const { suppress_output: suppressed, ...content } = message.message;
  return {
    ...message,
    message: state.features.suppressOutput ? { ...content, suppress_output: suppressed } : content,
    // The plugin runtime sends an empty object where Dify's own tools send null.
    meta: isPlugin(provider) ? (message.meta ?? {}) : message.meta,
  };
}

/** The text of the error frame; what a plugin raises comes wrapped by the plugin runtime. */
function errorText(error: unknown, provider: SandboxProvider, state: SandboxState): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!isPlugin(provider)) return message;
  const type = error instanceof ToolFailure ? 'ToolInvokeError' : 'Exception';
  const wrapped = `PluginInvokeError: ${pythonJson({ args: {}, error_type: type, message })}`;
  const requestId = randomBytes(5).toString('hex');
  return state.features.apiJsonMessages ? `req_id: ${requestId} ${wrapped}` : wrapped;
}

/** The bytes of one frame, in the form that the given release uses. */
function encodeFrame(content: FrameContent, features: Features): Uint8Array {
  const envelope =
    'error' in content ? { data: null, error: content.error } : { data: content.message, error: '' };
  const json = JSON.stringify(envelope);
  if (!features.lengthPrefixedFrames) return Buffer.from(`${json}\n\n`);
  const data = Buffer.from(json);
  const frame = Buffer.alloc(PREFIX_BYTES + data.length);
  frame.writeUInt8(MAGIC, 0);
  frame.writeUInt16LE(HEADER_BYTES, 2);
  frame.writeUInt32LE(data.length, 4);
  data.copy(frame, PREFIX_BYTES);
  return frame;
}
