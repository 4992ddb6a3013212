import { randomBytes } from 'node:crypto';
import { writeJson } from '../model/well-formed.ts';
import type { JsonObject } from '../model/json.ts';
import type { Features } from './features.ts';
import type { SandboxMessage, WireMessage } from './messages.ts';
import { DifyFailure, ToolFailure, WorkerCrash } from './messages.ts';
import { isPlugin, type SandboxProvider, type SandboxTool, type StoredCredential } from './provider.ts';
import { pythonJson } from './python.ts';
import type { AppContext, SandboxState } from './state.ts';

/** The content of one frame: a message, or the error text that ends the stream. */
type FrameContent = { readonly message: WireMessage } | { readonly error: string };

const MAGIC = 0x0f;
/**
 * Length of everything before the JSON: magic, a reserved byte, header length, data length, six zeros.
 */
const PREFIX_BYTES = 14;
/** The header length's value: data length field and reserve. */
const HEADER_BYTES = 10;

/** A call that has passed every check. */
export interface Invocation {
  readonly provider: SandboxProvider;
  readonly tool: SandboxTool;
  readonly parameters: JsonObject;
  /** The credential of the call, if the tool needs one. */
  readonly credential: StoredCredential | undefined;
}

/**
 * Runs the tool and streams its messages, one chunk each. Sends nothing, not even headers, before the
 * first frame. If the caller closes the connection, the tool is aborted.
 */
export async function streamInvocation(
  c: AppContext,
  invocation: Invocation,
  state: SandboxState,
): Promise<Response> {
  const abort = new AbortController();
  // A caller who left during the checks triggers no further close event.
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
          // Only a crash gets here: a tool's failure is a frame.
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

/** Returns an answer that consists of the frame of a failure. */
export function streamFailure(state: SandboxState, error: string): Response {
  return new Response(encodeFrame({ error }, state.features) as Uint8Array<ArrayBuffer>, {
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
      if (message.type === 'retriever_resources' && !features.retrieverResources) {
        // Dify raises the line of the plugin daemon that it cannot read.
        yield { error: JSON.stringify({ code: 0, message: 'success', data: message }) };
        return;
      }
      yield { message: onTheWire(message, provider, state) };
    }
  } catch (error) {
    if (error instanceof WorkerCrash) throw error;
    // After an abort, nobody reads the rest.
    if (!signal.aborted) yield { error: errorText(error, provider, state) };
  }
}

/**
 * Returns a message as the inner API sends it: bytes become stored files, and old releases omit fields
 * they do not know.
 */
function onTheWire(message: SandboxMessage, provider: SandboxProvider, state: SandboxState): WireMessage {
  if ('bytes' in message) {
    const { mime_type: mimeType, filename } = message.meta;
    const file = state.files.put(message.bytes, { mimeType, filename });
    const type = mimeType?.includes('image') === true ? 'image_link' : 'binary_link';
    const id = state.features.fileIdsInMeta ? { tool_file_id: file.id } : {};
    return { type, message: { text: file.path }, meta: { ...message.meta, ...id } };
  }
  if (message.type !== 'json') return message;
  if (Array.isArray(message.message['json_object']) && !state.features.jsonLists) {
    return { ...message, message: {} };
  }
  const { suppress_output: suppressed, ...content } = message.message;
  return {
    ...message,
    message: state.features.suppressOutput ? { ...content, suppress_output: suppressed } : content,
    // The plugin runtime sends an empty object; Dify's own tools send null.
    meta: isPlugin(provider) ? (message.meta ?? {}) : message.meta,
  };
}

/** Returns the text of the error frame; the plugin runtime wraps a plugin's error. */
function errorText(error: unknown, provider: SandboxProvider, state: SandboxState): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!isPlugin(provider) || error instanceof DifyFailure) return message;
  const type = error instanceof ToolFailure ? 'ToolInvokeError' : 'Exception';
  const wrapped = `PluginInvokeError: ${pythonJson({ args: {}, error_type: type, message })}`;
  const requestId = randomBytes(5).toString('hex');
  return state.features.apiJsonMessages ? `req_id: ${requestId} ${wrapped}` : wrapped;
}

/** Returns the bytes of one frame in the format of a release. */
function encodeFrame(content: FrameContent, features: Features): Uint8Array {
  const envelope =
    'error' in content ? { data: null, error: content.error } : { data: content.message, error: '' };
  const json = writeJson(envelope);
  if (!features.lengthPrefixedFrames) return Buffer.from(`${json}\n\n`);
  const data = Buffer.from(json);
  const frame = Buffer.alloc(PREFIX_BYTES + data.length);
  frame.writeUInt8(MAGIC, 0);
  frame.writeUInt16LE(HEADER_BYTES, 2);
  frame.writeUInt32LE(data.length, 4);
  data.copy(frame, PREFIX_BYTES);
  return frame;
}
