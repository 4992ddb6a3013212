import type { Json, JsonObject } from '../model/json.ts';

/** A message as it leaves the inner API. */
export interface WireMessage {
  readonly type: string;
  readonly message: JsonObject;
  readonly meta: JsonObject | null;
}

/** Bytes that a tool produced. Dify does not send them: it stores them and sends a link. */
export interface BlobMessage {
  readonly type: 'blob';
  readonly bytes: Uint8Array;
  /** Becomes the link's `meta`; `mime_type` decides between an image and another file. */
  readonly meta: { readonly mime_type?: string; readonly filename?: string };
}

/** What a sandbox tool may yield. */
export type SandboxMessage = WireMessage | BlobMessage;

/** Thrown by a tool to fail: its message ends the stream as an error frame. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';
}

/** Thrown by a tool to fail as Dify itself does: its message ends the stream unwrapped, and may be empty. */
export class DifyFailure extends Error {
  override readonly name = 'DifyFailure';
}

/** Thrown by a tool to crash its worker: the connection breaks in the middle of the answer. */
export class WorkerCrash extends Error {
  override readonly name = 'WorkerCrash';
}

/** A `text` message. */
export function text(content: string): WireMessage {
  return { type: 'text', message: { text: content }, meta: null };
}

/** A `json` message. */
export function json(value: Json, suppressOutput = false): WireMessage {
  return { type: 'json', message: { json_object: value, suppress_output: suppressOutput }, meta: null };
}

/** Returns a `variable` message; with `stream`, the value is a piece of a longer text. */
export function variable(name: string, value: Json, stream = false): WireMessage {
  return {
    type: 'variable',
    message: { variable_name: name, variable_value: value, stream },
    meta: null,
  };
}

/** Returns a `link` message without a file. */
export function link(url: string): WireMessage {
  return { type: 'link', message: { text: url }, meta: {} };
}

/** Returns a file for Dify to store. */
export function blob(bytes: Uint8Array, meta: BlobMessage['meta']): BlobMessage {
  return { type: 'blob', bytes, meta };
}

/** One state of a step that a tool reports. */
export interface LogStep {
  readonly id: string;
  readonly label: string;
  readonly status: 'start' | 'success' | 'error';
  readonly parentId?: string;
  readonly error?: string;
  readonly data?: JsonObject;
}

/** A `log` message. */
export function log(step: LogStep): WireMessage {
  const message = {
    id: step.id,
    label: step.label,
    parent_id: step.parentId ?? null,
    error: step.error ?? null,
    status: step.status,
    data: step.data ?? {},
    metadata: {},
  };
  return { type: 'log', message, meta: null };
}
