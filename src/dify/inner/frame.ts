import { BridgeError } from '../../model/errors.ts';
import { parsePythonJson } from '../../model/exact-json.ts';
import { writeJson } from '../../model/well-formed.ts';
import { isJsonObject, type Json } from '../../model/json.ts';

/** One frame of the stream that answers an invocation. If it is not JSON, its `data` is its text, made valid UTF-8. */
export interface Frame {
  readonly data: Json;
  /** Undefined unless the tool failed; such a frame is the last. May be empty, as the text of a Python exception. */
  readonly error: string | undefined;
}

/** A whole frame before it is parsed, which takes memory. */
export interface RawFrame {
  /** The memory that its values will take, in bytes. */
  readonly memory: number;
  /** Returns the frame; undefined for a line without content. Valid until the decoder continues. */
  readonly parse: () => Frame | undefined;
}

/** Decodes one format of the stream incrementally. */
export interface FrameDecoder {
  /** The memory that the unfinished frame will take at least, in bytes. */
  readonly pending: number;
  /** Takes the next bytes, cut anywhere, and yields the frames that they complete. */
  push(chunk: Uint8Array): Iterable<RawFrame>;
  /** Ends the stream. Returns a last frame that needs no terminator; throws `stream_broken` inside a frame. */
  end(): RawFrame | undefined;
}

const AFTERMATH = 'The tool may have run to its end in Dify: check before calling it again.';

/** Decodes bytes as text, with U+FFFD for what is not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Returns the frame of a text. Never throws. */
export function toFrame(text: string): Frame {
  let value: Json;
  try {
    value = parsePythonJson(text);
  } catch {
    return { data: text, error: undefined };
  }
  if (!isJsonObject(value)) return { data: value, error: undefined };
  const { data, error } = value;
  // A body without either field is not the envelope: pass it on unchanged.
  if (data === undefined && error === undefined) return { data: value, error: undefined };
  if (typeof error === 'string' && error !== '') return { data: data ?? null, error };
  if (isJsonObject(error) || Array.isArray(error)) return { data: data ?? null, error: writeJson(error) };
  return data === undefined || data === null ? { data: null, error: '' } : { data, error: undefined };
}

export function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

/** Returns `stream_broken`, with the reminder that the tool may have run. */
export function broken(message: string): BridgeError {
  return new BridgeError('stream_broken', message, { hint: AFTERMATH });
}

/** Returns `frame_too_large`; `length` is undefined if the frame does not announce it. */
export function tooLarge(length: number | undefined, limit: number): BridgeError {
  const size = length === undefined ? 'more than' : `${length} bytes where the bridge accepts`;
  return new BridgeError('frame_too_large', `One message of the tool has ${size} ${limit} bytes.`, {
    hint: 'Ask the tool for less. The operator of the bridge can raise calls.maxFrameBytes.',
  });
}

/** Returns `frame_too_large` for all messages together: a tool that never stops would otherwise fill the memory. */
export function answerTooLarge(limit: number): BridgeError {
  return new BridgeError('frame_too_large', `The tool has sent more than ${limit} bytes of messages.`, {
    hint: 'Ask the tool for less. The operator of the bridge can raise calls.maxAnswerBytes.',
  });
}
