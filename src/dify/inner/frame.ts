import { BridgeError } from '../../model/errors.ts';
import { isJsonObject, type Json } from '../../model/json.ts';

/**
 * One frame of the stream that answers an invocation. A frame that is no JSON stays in the stream: its `data` is
 * then its text, with U+FFFD for bytes that are no UTF-8.
 */
export interface Frame {
  readonly data: Json;
  /**
   * Undefined unless the tool failed; such a frame is the last. It can be empty: Dify sends the text of a Python
   * exception, and not every exception has one.
   */
  readonly error: string | undefined;
}

/** Reads one format of the stream, bit by bit. */
export interface FrameDecoder {
  /** Takes the next bytes, however cut, and yields the frames that they complete. */
  push(chunk: Uint8Array): Iterable<Frame>;
  /** The stream is over: a last frame that needed no terminator, or `stream_broken` inside a frame. */
  end(): Frame | undefined;
}

const AFTERMATH = 'The tool may have run to its end in Dify: check before calling it again.';

/** Bytes as text, with U+FFFD for what is no UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** The text of one frame. Never throws. */
export function toFrame(text: string): Frame {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return { data: text, error: undefined };
  }
  if (!isJsonObject(value)) return { data: value, error: undefined };
  const { data, error } = value;
  // Without either field it is not the envelope: what it is then stays visible as it came.
  if (data === undefined && error === undefined) return { data: value, error: undefined };
  if (typeof error === 'string' && error !== '') return { data: data ?? null, error };
  if (isJsonObject(error) || Array.isArray(error))
    return { data: data ?? null, error: JSON.stringify(error) };
  return data === undefined || data === null ? { data: null, error: '' } : { data, error: undefined };
}

/** A byte as it is written: `0x0f`. */
export function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

/** `stream_broken`, with the reminder that the tool may have run. */
export function broken(message: string): BridgeError {
  return new BridgeError('stream_broken', message, { hint: AFTERMATH });
}

/** `frame_too_large`; `length` where the frame says it. */
export function tooLarge(length: number | undefined, limit: number): BridgeError {
  const size = length === undefined ? 'more than' : `${length} bytes where the bridge accepts`;
  return new BridgeError('frame_too_large', `One message of the tool has ${size} ${limit} bytes.`, {
    hint: 'Ask the tool for less, or raise calls.maxFrameBytes in the configuration of the bridge.',
  });
}

/** `frame_too_large` for all messages together: a tool that never stops would fill the memory otherwise. */
export function answerTooLarge(limit: number): BridgeError {
  return new BridgeError('frame_too_large', `The tool has sent more than ${limit} bytes of messages.`, {
    hint: 'Ask the tool for less, or raise calls.maxAnswerBytes in the configuration of the bridge.',
  });
}
