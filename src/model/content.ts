import type { BridgeError } from './errors.ts';
import type { JsonObject } from './json.ts';

/** A block of an MCP tool result (MCP specification, server/tools, "Tool result"). */
export type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | ({ readonly type: 'image'; readonly data: string; readonly mimeType: string } & NamedBlock)
  | AudioBlock
  | ({ readonly type: 'resource'; readonly resource: EmbeddedResource } & NamedBlock)
  | ResourceLink;

/** A block of a file. MCP has no place for the name, so it is not sent: only the program's own commands use it. */
interface NamedBlock {
  readonly name?: string | undefined;
}

/** A sound. */
export interface AudioBlock extends NamedBlock {
  readonly type: 'audio';
  /** Base64. */
  readonly data: string;
  readonly mimeType: string;
  /** Of the stored file, for clients that accept a sound as a resource only. Not sent to others. */
  readonly uri?: string | undefined;
}

/** A file that the bridge keeps and resources/read serves. */
export interface ResourceLink {
  readonly type: 'resource_link';
  readonly uri: string;
  readonly name: string;
  readonly mimeType: string;
  /** Bytes. */
  readonly size: number;
  readonly description?: string;
}

/** A file inside a result: as text, or as Base64. */
export type EmbeddedResource =
  | { readonly uri: string; readonly mimeType: string; readonly text: string }
  | { readonly uri: string; readonly mimeType: string; readonly blob: string };

/** How much of its files and text a result carries itself; the rest is stored. */
export interface ResultLimits {
  /** Bytes of one image or sound, before Base64. */
  readonly maxImageBytes: number;
  /** Bytes of all of them together, before Base64. */
  readonly maxInlineBytes: number;
  /** Characters of all text together, that of text files included. */
  readonly maxTextChars: number;
}

/** The result of a tools/call. `content` always has at least one block, and its first is text. */
export interface ToolResult {
  readonly content: readonly ContentBlock[];
  /** Left out where the result has media or is an error. */
  readonly structuredContent?: JsonObject | undefined;
  readonly isError?: true;
}

/** An error as a result that the model reads. */
export function errorResult(error: BridgeError): ToolResult {
  return { content: [{ type: 'text', text: error.toText() }], isError: true };
}
