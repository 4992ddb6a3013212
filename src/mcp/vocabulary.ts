import { randomUUID } from 'node:crypto';
import type {
  CallToolResult,
  ContentBlock as SentBlock,
  ListToolsResult,
  Server,
} from '@modelcontextprotocol/server';
import type { ContentBlock, ToolResult } from '../model/content.ts';
import type { ListedTool, ToolListSource } from '../model/registry.ts';
import { definitionOf } from '../model/tool-definition.ts';

/**
 * The protocol revisions that added something that the bridge sends. 2025-03-26: audio, tool annotations, progress
 * messages. 2025-06-18: resource links, structured content with its schema, tool titles.
 */
const VOCABULARIES = ['2025-06-18', '2025-03-26', '2024-11-05'] as const;

/** What a client understands, named after the latest revision that added a part of it. */
export type Vocabulary = (typeof VOCABULARIES)[number];

export const FULL_VOCABULARY = VOCABULARIES[0];

/** Returns the vocabulary of a server's client; the full one until a revision is negotiated. */
export function vocabularyOf(server: Server): Vocabulary {
  const revision = server.getNegotiatedProtocolVersion();
  // Revisions are ISO dates, so string comparison orders them.
  const known = VOCABULARIES.find((first) => revision === undefined || revision >= first);
  return known ?? '2024-11-05';
}

/** The member of `_meta` in which a refused tools/call has the seconds to wait. */
const RETRY_AFTER_META_KEY = 'io.github.dify-mcp-bridge/retry-after-seconds';

/** The tool that the client called, as the client sees it. */
export interface CalledTool {
  readonly name: string;
  readonly list: Pick<ToolListSource, 'current'>;
}

/**
 * Returns a result in the vocabulary of its client. Clients reject a whole result for one block of an unknown type, and
 * some for an unknown member. Structured content goes only to clients that expect it, because the tool is listed with an
 * output schema: the text has the same values, and some clients show the model both.
 */
export function toCallToolResult(
  { content, structuredContent, isError, retryAfterSeconds }: ToolResult,
  vocabulary: Vocabulary,
  { name, list }: CalledTool,
): CallToolResult {
  const isExpected =
    vocabulary === '2025-06-18' &&
    structuredContent !== undefined &&
    list.current()?.tools.find((tool) => tool.name === name)?.outputSchema !== undefined;
  return {
    content: toSentBlocks(content, vocabulary),
    ...(isExpected && { structuredContent }),
    ...(isError && { isError }),
    ...(retryAfterSeconds !== undefined && { _meta: { [RETRY_AFTER_META_KEY]: retryAfterSeconds } }),
  };
}

/** Returns content blocks in the vocabulary of their client, in their order. */
export function toSentBlocks(content: readonly ContentBlock[], vocabulary: Vocabulary): SentBlock[] {
  return content.flatMap((block): SentBlock | readonly SentBlock[] => {
    switch (block.type) {
      case 'audio': {
        const { type, data, mimeType, uri = `urn:uuid:${randomUUID()}` } = block;
        if (vocabulary !== '2024-11-05') return { type, data, mimeType };
        // The URI is required, and a sound that is not stored has none.
        return { type: 'resource', resource: { uri, mimeType, blob: data } };
      }
      case 'image': {
        const { type, data, mimeType } = block;
        return { type, data, mimeType };
      }
      case 'resource':
        return { type: block.type, resource: block.resource };
      case 'resource_link':
        // The text before it names the file and its URI.
        return vocabulary === '2025-06-18' ? block : [];
      default:
        return block;
    }
  });
}

/** Returns a tool in the vocabulary of its client. Revisions before 2025-06-18 have the title in the annotations. */
export function toSentTool(tool: ListedTool, vocabulary: Vocabulary): ListToolsResult['tools'][number] {
  // The registry builds object schemas and plain annotations, which its types do not express but the SDK's require.
  return Object.freeze(sentMembers(tool, vocabulary)) as ListToolsResult['tools'][number];
}

function sentMembers(tool: ListedTool, vocabulary: Vocabulary): Partial<ListedTool> {
  const { name, title, description, inputSchema, annotations } = tool;
  switch (vocabulary) {
    case '2024-11-05':
      return { name, description, inputSchema };
    case '2025-03-26':
      return { name, description, inputSchema, annotations: { title, ...annotations } };
    default:
      return definitionOf(tool);
  }
}
