import { jsonAnswer, type ScriptedAnswer } from '../../../support/scripted-dify.ts';
import { errorFrame, frame } from '../../../support/dify-wire.ts';

/** The tools that the fixtures' Dify lists, by published name. */
export const TOOLS = {
  plugin: 'acme_kit__run',
  keyed: 'acme_keyed__run',
  hardcoded: 'time__now',
  workflow: 'workflow__summarise',
  workflowWithFile: 'workflow__export',
  api: 'api_pets__getPet',
  mcp: 'mcp_my-server__mixed',
} as const;

/** One thing that Dify can do, and the result that an MCP client gets of it. */
export interface Row {
  readonly title: string;
  readonly tool?: keyof typeof TOOLS;
  readonly answer: ScriptedAnswer;
  readonly expected: ExpectedResult | ExpectedFailure;
}

export interface ExpectedResult {
  readonly content: readonly unknown[];
  readonly structuredContent?: unknown;
}

/** The first block is a text in which each of `says` occurs; `before` is what follows it. */
export interface ExpectedFailure {
  readonly says: readonly (string | RegExp)[];
  readonly before?: readonly unknown[];
}

export const STREAM = { 'content-type': 'text/event-stream; charset=utf-8', 'x-version': '1.12.1' };

/** A block of text. */
export const said = (text: string) => ({ type: 'text', text });

/** An answer whose frames come one by one. */
export function streamed(...pieces: readonly Uint8Array[]): ScriptedAnswer {
  return { headers: STREAM, chunks: pieces.map((bytes) => ({ bytes })) };
}

/** An answer of good frames. */
export function messages(...data: readonly unknown[]): ScriptedAnswer {
  return streamed(...data.map(frame));
}

/** An answer that ends with an error frame, after good ones. */
export function failing(error: string, ...data: readonly unknown[]): ScriptedAnswer {
  return streamed(...data.map(frame), errorFrame(error));
}

/** Dify's refusal before any frame. */
export function refused(status: number, code: string, message: string): ScriptedAnswer {
  return jsonAnswer({ code, message, status }, status);
}

/** A `text` message. */
export const textMessage = (text: string) => ({ type: 'text', message: { text }, meta: null });
