import { cutText } from './cut-text.ts';
import type { BridgeError } from './errors.ts';
import type { JsonObject } from './json.ts';

/** Ignored arguments that a result names. */
const MAX_IGNORED = 10;
const MAX_IGNORED_NAME = 64;

/** A block of an MCP tool result (MCP specification, server/tools, "Tool result"). */
export type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | ({ readonly type: 'image'; readonly data: string; readonly mimeType: string } & NamedBlock)
  | AudioBlock
  | ({ readonly type: 'resource'; readonly resource: EmbeddedResource } & NamedBlock)
  | ResourceLink;

/** A block of a file. MCP has no field for the name, so it is not sent: only the program's own commands use it. */
interface NamedBlock {
  readonly name?: string | undefined;
}

export interface AudioBlock extends NamedBlock {
  readonly type: 'audio';
  /** Base64. */
  readonly data: string;
  readonly mimeType: string;
  /** URI of the stored file, for clients that accept audio only as a resource. Other clients do not get it. */
  readonly uri?: string | undefined;
}

/** A file that the bridge stores and resources/read returns. */
export interface ResourceLink {
  readonly type: 'resource_link';
  readonly uri: string;
  readonly name: string;
  readonly mimeType: string;
  /** Bytes. */
  readonly size: number;
}

export type EmbeddedResource =
  | { readonly uri: string; readonly mimeType: string; readonly text: string }
  | { readonly uri: string; readonly mimeType: string; readonly blob: string };

/** How many bytes and characters a result may contain. The rest is stored, and the result links to it. */
export interface ResultLimits {
  /** Bytes of all images and audio files together, before Base64. */
  readonly maxInlineBytes: number;
  /** Bytes of one image or audio file, before Base64. Default: seven tenths of `maxInlineBytes`. */
  readonly maxImageBytes?: number | undefined;
  /** Characters of all text together, including text files. */
  readonly maxTextChars: number;
  /** Whether audio files are in the result or linked to. Default: `inline`. */
  readonly sounds?: 'inline' | 'link' | undefined;
}

/** The result of a tools/call. `content` has at least one block, and the first one is text. */
export interface ToolResult {
  readonly content: readonly ContentBlock[];
  /** Omitted if the result has media or is an error. Clients get it if they see an output schema of the tool. */
  readonly structuredContent?: JsonObject | undefined;
  readonly isError?: true;
  /** How long to wait before the next call, if the bridge refused this one. The text says it too. */
  readonly retryAfterSeconds?: number | undefined;
}

export function textResult(text: string): ToolResult {
  return { content: [{ type: 'text', text }] };
}

/** Returns an error as a result that the model reads, followed by what the tool had sent before. */
export function errorResult(error: BridgeError, before: readonly ContentBlock[] = []): ToolResult {
  const { retryAfterSeconds } = error;
  const result: ToolResult = { content: [{ type: 'text', text: error.toText() }, ...before], isError: true };
  return retryAfterSeconds === undefined ? result : { ...result, retryAfterSeconds };
}

/** Returns the result with a line that names the arguments that its tool does not have. */
export function withIgnored(result: ToolResult, ignored: readonly string[] = []): ToolResult {
  if (ignored.length === 0) return result;
  const names = ignored.slice(0, MAX_IGNORED).map((name) => JSON.stringify(cutText(name, MAX_IGNORED_NAME)));
  const rest = ignored.length > MAX_IGNORED ? ` and ${ignored.length - MAX_IGNORED} more` : '';
  const text = `Ignored, because the tool has no such argument: ${names.join(', ')}${rest}.`;
  return { ...result, content: [...result.content, { type: 'text', text }] };
}
