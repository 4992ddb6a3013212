import type { JsonObject } from './json.ts';

/** A block of an MCP tool result (MCP specification, server/tools, "Tool result"). */
export type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'audio'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'resource'; readonly resource: EmbeddedResource };

/** A file inside a result: as text, or as Base64. */
export type EmbeddedResource =
  | { readonly uri: string; readonly mimeType: string; readonly text: string }
  | { readonly uri: string; readonly mimeType: string; readonly blob: string };

/** The result of a tools/call. `content` always has at least one block, and its first is text. */
export interface ToolResult {
  readonly content: readonly ContentBlock[];
  /** Left out where the result has media or is an error. */
  readonly structuredContent?: JsonObject;
  readonly isError?: true;
}
