import { parseJson } from '../model/exact-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { localized, type ParameterDeclaration, parameter, toolDeclaration } from './declaration.ts';
import { blob, json, type SandboxMessage, text, variable } from './messages.ts';
import type { SandboxProvider, SandboxTool, ToolRun } from './provider.ts';

/** Content of an MCP tool result, as far as Dify passes it on. */
export type McpContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'audio'; readonly bytes: Uint8Array; readonly mimeType: string };

/** A tool of an MCP server that Dify is connected to. */
export interface McpToolOptions {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema?: JsonObject | undefined;
  run(args: JsonObject): { readonly content: readonly McpContent[]; readonly structuredContent?: JsonObject };
}

/** An MCP server that Dify is connected to. */
export interface McpProviderOptions {
  readonly serverIdentifier: string;
  readonly databaseId: string;
  readonly name: string;
  readonly tools: readonly McpToolOptions[];
}

/** A provider of type `mcp`. */
export function mcpProvider(options: McpProviderOptions): SandboxProvider {
  return {
    type: 'mcp',
    id: options.serverIdentifier,
    databaseId: options.databaseId,
    name: options.name,
    author: 'Sandbox',
    label: localized(options.name),
    description: localized(''),
    labels: [],
    icon: { content: '🧩', background: '#fff' },
    credentialFields: [],
    extra: {
      server_url: `http://${options.serverIdentifier}.example/******`,
      updated_at: 1_795_383_456,
      server_identifier: options.serverIdentifier,
      configuration: { timeout: 30, sse_read_timeout: 300 },
      is_dynamic_registration: true,
    },
    tools: options.tools.map(mcpTool),
  };
}

function mcpTool(options: McpToolOptions): SandboxTool {
  return {
    declaration: toolDeclaration(options.name, {
      author: 'Sandbox',
      description: options.description,
      parameters: parametersOf(options.inputSchema),
      outputSchema: options.outputSchema,
    }),
    run: (given, run) => callTool(options, given, run),
  };
}

/**
 * Returns Dify's parameters for a JSON Schema: one per property; only objects and arrays keep their
 * schema.
 */
function parametersOf(inputSchema: JsonObject): ParameterDeclaration[] {
  const properties = isJsonObject(inputSchema['properties']) ? inputSchema['properties'] : {};
  const required = Array.isArray(inputSchema['required']) ? inputSchema['required'] : [];
  return Object.entries(properties).map(([name, schema]) => {
    const property = isJsonObject(schema) ? schema : {};
    const declared = typeof property['type'] === 'string' ? property['type'] : 'string';
    const type = declared === 'integer' ? 'number' : declared;
    return parameter(name, {
      type,
      description: typeof property['description'] === 'string' ? property['description'] : '',
      required: required.includes(name),
      default: property['default'] ?? null,
      inputSchema: ['object', 'array'].includes(type) ? property : undefined,
    });
  });
}

/** Calls the tool and yields its result as messages, without the parts that Dify loses. */
async function* callTool(
  options: McpToolOptions,
  given: JsonObject,
  run: ToolRun,
): AsyncGenerator<SandboxMessage> {
  run.signal.throwIfAborted();
  const args = Object.fromEntries(
    Object.entries(given).filter(
      ([, value]) => value !== null && !(typeof value === 'string' && value.trim() === ''),
    ),
  );
  const { content, structuredContent } = options.run(args);
  for (const block of content) {
    if (block.type === 'text') yield* textMessages(block.text);
    else yield blob(block.bytes, { mime_type: block.mimeType });
  }
  if (options.outputSchema && structuredContent) {
    for (const [name, value] of Object.entries(structuredContent)) {
      if (value !== undefined) yield variable(name, value);
    }
  }
}

/** Yields text that is a JSON object as `json`, and a list of objects as one `json` each. */
function* textMessages(content: string): Generator<SandboxMessage> {
  let parsed: Json | undefined;
  try {
    parsed = parseJson(content);
  } catch {
    parsed = undefined;
  }
  if (isJsonObject(parsed)) yield json(parsed);
  else if (Array.isArray(parsed) && parsed.length > 0 && parsed.every((item) => isJsonObject(item))) {
    for (const item of parsed as readonly JsonObject[]) yield json(item);
  } else yield text(content);
}
