import type { JsonObject } from '../model/json.ts';
import type { ListedTool } from '../model/registry.ts';
import { PROVIDER_TYPES } from '../model/tool.ts';
import { defineBridgeTool, z } from '../registry/bridge-tool.ts';
import type { ToolDirectory } from '../registry/unknown-tool.ts';

/** The most tools that one search returns. */
export const MAX_RESULTS = 50;
const DEFAULT_RESULTS = 10;

/** The annotations of tools that read only the bridge's memory. */
const LOOKS_UP: JsonObject = { readOnlyHint: true, idempotentHint: true, openWorldHint: false };

/** The server's instructions for a model that sees these tools instead of Dify's. */
export const SEARCH_INSTRUCTIONS =
  'The tools of one Dify workspace, which are too many to list. Find a tool with search_tools, read its definition ' +
  'with describe_tool, and run it with call_tool (or with call_read_tool and call_write_tool, if these are listed ' +
  'instead). Each tool runs in Dify and may take minutes. If a call fails, the error says what to do next.';

export const searchTools = defineBridgeTool({
  name: 'search_tools',
  title: 'Search tools',
  description:
    'Finds tools by what they do, or by name, provider or parameter. Start here: the tools of this workspace are ' +
    'not listed otherwise. Returns their names, best match first, and the arguments that each requires. ' +
    'Example: {"query": "send email", "limit": 5}',
  input: z.object({
    query: z
      .string()
      .describe(
        'A few words for what the tool should do, in the language of the tool descriptions. ' +
          'If empty, all tools that match the filters, sorted by name.',
      ),
    limit: z
      .number()
      .int()
      .min(1)
      .max(MAX_RESULTS)
      .default(DEFAULT_RESULTS)
      .describe('The most tools to return.'),
    provider: z.string().optional().describe('Only tools of this provider: its name or a part of it.'),
    type: z
      .enum(PROVIDER_TYPES)
      .optional()
      .describe(
        'Only tools of this kind: builtin (tools and plugins), workflow, api (custom APIs) or mcp (MCP servers).',
      ),
  }),
  annotations: LOOKS_UP,
});

const NAME = z.string().describe('The name of the tool, as search_tools returns it.');

export const describeTool = defineBridgeTool({
  name: 'describe_tool',
  title: 'Describe a tool',
  description:
    'Returns the full definition of one tool: what it does and its input schema. Read it before you call a tool ' +
    'for the first time. Example: {"name": "time__weekday"}',
  input: z.object({ name: NAME }),
  annotations: LOOKS_UP,
});

const ITEM = z.union([z.boolean(), z.number(), z.object({}), z.string()]);
const ANYTHING = z.union([z.boolean(), z.number(), z.object({}), z.array(ITEM), z.null(), z.string()]);

const CALL = z.object({
  name: NAME,
  arguments: z
    .object({})
    // Strict converters close an object unless its schema allows more members. `passthrough` would publish
    // `additionalProperties: true`, on which Google's converter fails because it expects a schema there.
    .catchall(ANYTHING)
    .optional()
    .describe("The tool's own arguments, as describe_tool shows them. Omit this if the tool takes none."),
});

const CALL_EXAMPLE =
  'Example: {"name": "time__weekday", "arguments": {"year": 2026, "month": 11, "day": 22}}';

export const callTool = defineBridgeTool({
  name: 'call_tool',
  title: 'Call a tool',
  description: `Runs one tool and returns its result. Find it with search_tools first. ${CALL_EXAMPLE}`,
  input: CALL,
  annotations: {},
});

export const callReadTool = defineBridgeTool({
  name: 'call_read_tool',
  title: 'Call a read-only tool',
  description:
    'Runs a read-only tool and returns its result. search_tools and describe_tool say for each tool whether to ' +
    `call it with call_read_tool or call_write_tool. ${CALL_EXAMPLE}`,
  input: CALL,
  annotations: { readOnlyHint: true },
});

export const callWriteTool = defineBridgeTool({
  name: 'call_write_tool',
  title: 'Call a tool that may change something',
  description:
    'Runs a tool that is not known to be read-only, and returns its result. search_tools and describe_tool say for ' +
    `each tool whether to call it with call_read_tool or call_write_tool. ${CALL_EXAMPLE}`,
  input: CALL,
  annotations: {},
});

/** All search tools, whether or not they are currently listed. */
export const SEARCH_TOOLS: readonly ListedTool[] = [
  searchTools,
  describeTool,
  callTool,
  callReadTool,
  callWriteTool,
].map(({ tool }) => tool);

export const SEARCH_TOOL_NAMES: ReadonlySet<string> = new Set(SEARCH_TOOLS.map(({ name }) => name));

/** Tells a client that sees these tools where to find the others. */
export const SEARCH_DIRECTORY: ToolDirectory = {
  definition: describeTool.tool.name,
  others: `${searchTools.tool.name} finds tools by what they do.`,
};
