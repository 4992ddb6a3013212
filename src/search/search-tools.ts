import type { JsonObject } from '../model/json.ts';
import type { ListedTool } from '../model/registry.ts';
import { PROVIDER_TYPES } from '../model/tool.ts';
import { defineBridgeTool, z } from '../registry/bridge-tool.ts';
import type { ToolDirectory } from '../registry/unknown-tool.ts';

/** Tools that one search names at most. */
export const MAX_RESULTS = 50;
const DEFAULT_RESULTS = 10;

/** These answer from the bridge's memory. */
const LOOKS_UP: JsonObject = { readOnlyHint: true, idempotentHint: true, openWorldHint: false };

/** What a model should know of a server of which it sees these tools and not those of Dify. */
export const SEARCH_INSTRUCTIONS =
  'The tools of one Dify workspace, which are too many to list. search_tools finds them by what they do, ' +
  'describe_tool gives the definition of one, and call_tool runs it (or call_read_tool and call_write_tool, where ' +
  'these are listed instead). A tool runs in Dify and may take minutes; one that fails answers with an error that ' +
  'says what to do next.';

export const searchTools = defineBridgeTool({
  name: 'search_tools',
  title: 'Search tools',
  description:
    'Finds tools by what they do, or by name, provider or parameter. Start here: the tools of this workspace are ' +
    'not listed otherwise. Answers with their names, the best match first, and the arguments that each requires. ' +
    'Example: {"query": "send email", "limit": 5}',
  input: z.object({
    query: z
      .string()
      .describe(
        'A few words for what the tool should do, in the language in which the tools are described. ' +
          'Empty: all tools that pass the filters, by name.',
      ),
    limit: z
      .number()
      .int()
      .min(1)
      .max(MAX_RESULTS)
      .default(DEFAULT_RESULTS)
      .describe('How many tools to name.'),
    provider: z.string().optional().describe('Only tools of this provider: its name, or a part of it.'),
    type: z
      .enum(PROVIDER_TYPES)
      .optional()
      .describe(
        'Only tools of this kind: builtin (tools and plugins), workflow, api (custom APIs) or mcp (MCP servers).',
      ),
  }),
  annotations: LOOKS_UP,
});

const NAME = z.string().describe('The name of the tool, as search_tools gives it.');

export const describeTool = defineBridgeTool({
  name: 'describe_tool',
  title: 'Describe a tool',
  description:
    'Gives the full definition of one tool: what it does and its input schema. Read it before you call a tool for ' +
    'the first time. Example: {"name": "time__weekday"}',
  input: z.object({ name: NAME }),
  annotations: LOOKS_UP,
});

const ITEM = z.union([z.boolean(), z.number(), z.object({}), z.string()]);
const ANYTHING = z.union([z.boolean(), z.number(), z.object({}), z.array(ITEM), z.null(), z.string()]);

const CALL = z.object({
  name: NAME,
  arguments: z
    .object({})
    // Strict converters close an object that does not say that it takes more. `passthrough` would say it as
    // `additionalProperties: true`, on which Google's converter fails: it reads a schema there.
    .catchall(ANYTHING)
    .optional()
    .describe("The tool's own arguments, as describe_tool shows them. Leave out where it takes none."),
});

const CALL_EXAMPLE =
  'Example: {"name": "time__weekday", "arguments": {"year": 2026, "month": 11, "day": 22}}';

export const callTool = defineBridgeTool({
  name: 'call_tool',
  title: 'Call a tool',
  description: `Runs one tool and answers with its result. Find it with search_tools first. ${CALL_EXAMPLE}`,
  input: CALL,
  annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
});

export const callReadTool = defineBridgeTool({
  name: 'call_read_tool',
  title: 'Call a tool that only reads',
  description:
    'Runs one of the tools that only read, and answers with its result. search_tools and describe_tool say of each ' +
    `tool whether it is called by call_read_tool or by call_write_tool. ${CALL_EXAMPLE}`,
  input: CALL,
  annotations: { readOnlyHint: true, openWorldHint: true },
});

export const callWriteTool = defineBridgeTool({
  name: 'call_write_tool',
  title: 'Call a tool that may change something',
  description:
    'Runs one of the tools that are not known to only read, and answers with its result. search_tools and ' +
    `describe_tool say of each tool whether it is called by call_read_tool or by call_write_tool. ${CALL_EXAMPLE}`,
  input: CALL,
  annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
});

/** All of them, whether they are listed at present or not. */
export const SEARCH_TOOLS: readonly ListedTool[] = [
  searchTools,
  describeTool,
  callTool,
  callReadTool,
  callWriteTool,
].map(({ tool }) => tool);

export const SEARCH_TOOL_NAMES: ReadonlySet<string> = new Set(SEARCH_TOOLS.map(({ name }) => name));

/** Where a client that sees these tools finds the others. */
export const SEARCH_DIRECTORY: ToolDirectory = {
  definition: describeTool.tool.name,
  others: `${searchTools.tool.name} finds tools by what they do.`,
};
