import type { JsonObject } from '../model/json.ts';
import type { ListedTool } from '../model/registry.ts';
import { PROVIDER_TYPES } from '../model/tool.ts';
import { defineOwnTool } from '../registry/bridge-tool.ts';
import type { ToolDirectory } from '../registry/unknown-tool.ts';
import type { Property } from '../registry/shape.ts';

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

export const searchTools = defineOwnTool({
  name: 'search_tools',
  title: 'Search tools',
  description:
    'Finds tools by what they do, or by name, provider or parameter. Start here: the tools of this workspace are ' +
    'not listed otherwise. Answers with their names, the best match first, and the arguments that each requires. ' +
    'Example: {"query": "send email", "limit": 5}',
  properties: [
    {
      name: 'query',
      required: true,
      shape: { kind: 'string' },
      description:
        'A few words for what the tool should do, in the language in which the tools are described. ' +
        'Empty: all tools that pass the filters, by name.',
    },
    {
      name: 'limit',
      required: false,
      shape: { kind: 'number', integer: true, min: 1, max: MAX_RESULTS },
      default: DEFAULT_RESULTS,
      description: 'How many tools to name.',
    },
    {
      name: 'provider',
      required: false,
      shape: { kind: 'string' },
      description: 'Only tools of this provider: its name, or a part of it.',
    },
    {
      name: 'type',
      required: false,
      shape: { kind: 'choice', values: PROVIDER_TYPES },
      description:
        'Only tools of this kind: builtin (tools and plugins), workflow, api (custom APIs) or mcp (MCP servers).',
    },
  ],
  annotations: LOOKS_UP,
});

export const describeTool = defineOwnTool({
  name: 'describe_tool',
  title: 'Describe a tool',
  description:
    'Gives the full definition of one tool: what it does and its input schema. Read it before you call a tool for ' +
    'the first time. Example: {"name": "time__weekday"}',
  properties: [
    {
      name: 'name',
      required: true,
      shape: { kind: 'string' },
      description: 'The name of the tool, as search_tools gives it.',
    },
  ],
  annotations: LOOKS_UP,
});

const CALL_PROPERTIES = [
  {
    name: 'name',
    required: true,
    shape: { kind: 'string' },
    description: 'The name of the tool, as search_tools gives it.',
  },
  {
    name: 'arguments',
    required: false,
    shape: { kind: 'object', properties: [], open: true },
    description: "The tool's own arguments, as describe_tool shows them. Leave out where it takes none.",
  },
] as const satisfies readonly Property[];

const CALL_EXAMPLE =
  'Example: {"name": "time__weekday", "arguments": {"year": 2026, "month": 11, "day": 22}}';

export const callTool = defineOwnTool({
  name: 'call_tool',
  title: 'Call a tool',
  description: `Runs one tool and answers with its result. Find it with search_tools first. ${CALL_EXAMPLE}`,
  properties: CALL_PROPERTIES,
  annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
});

export const callReadTool = defineOwnTool({
  name: 'call_read_tool',
  title: 'Call a tool that only reads',
  description:
    'Runs one of the tools that only read, and answers with its result. search_tools and describe_tool say of each ' +
    `tool whether it is called by call_read_tool or by call_write_tool. ${CALL_EXAMPLE}`,
  properties: CALL_PROPERTIES,
  annotations: { readOnlyHint: true, openWorldHint: true },
});

export const callWriteTool = defineOwnTool({
  name: 'call_write_tool',
  title: 'Call a tool that may change something',
  description:
    'Runs one of the tools that are not known to only read, and answers with its result. search_tools and ' +
    `describe_tool say of each tool whether it is called by call_read_tool or by call_write_tool. ${CALL_EXAMPLE}`,
  properties: CALL_PROPERTIES,
  annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
});

/** All of them, whether they are listed at present or not. */
export const OWN_TOOLS: readonly ListedTool[] = [
  searchTools,
  describeTool,
  callTool,
  callReadTool,
  callWriteTool,
].map(({ tool }) => tool);

export const OWN_NAMES: ReadonlySet<string> = new Set(OWN_TOOLS.map(({ name }) => name));

/** Where a client that sees these tools finds the others. */
export const SEARCH_DIRECTORY: ToolDirectory = {
  definition: describeTool.tool.name,
  others: `${searchTools.tool.name} finds tools by what they do.`,
};
