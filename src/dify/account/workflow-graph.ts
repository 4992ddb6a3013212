import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts';
import { isSince } from '../wire/release.ts';
import { type DraftNode, nodeTexts, START_NODE, startNode, toDraftNode } from './node.ts';

const END_NODE = 'end';
/** The outputs that a workflow tool's node has in every release. Its variables are in `json` too. */
const OUTPUTS = ['text', 'json', 'files'];
const CHECKBOX_SINCE = '1.10.0';
const FILE_SETTINGS = {
  allowed_file_types: ['image', 'document', 'audio', 'video', 'custom'],
  allowed_file_upload_methods: ['local_file', 'remote_url'],
  allowed_file_extensions: null,
};

/**
 * Returns the graph that passes start variables with the names of these values to a tool node, and the node's
 * outputs to its end. Returns undefined if Dify has no start variable for a value.
 */
export function toWorkflowGraph(
  node: DraftNode,
  values: JsonObject,
  version?: string,
): JsonObject | undefined {
  const variables: JsonObject[] = [];
  for (const [name, value] of Object.entries(values)) {
    const type = value === undefined ? undefined : startType(value, version);
    if (type === undefined) return undefined;
    const settings = type.startsWith('file') ? FILE_SETTINGS : {};
    variables.push({ variable: name, label: name, type, required: false, options: [], ...settings });
  }
  const outputs = OUTPUTS.map((variable) => ({ variable, value_selector: [node.id, variable] }));
  const end = toDraftNode(END_NODE, { ...nodeTexts('end', 'End'), outputs }, 200);
  return {
    nodes: [startNode(variables), node, end],
    edges: [edge(START_NODE, 'start', node.id, 'tool'), edge(node.id, 'tool', END_NODE, 'end')],
    viewport: { x: 0, y: 0, zoom: 1 },
  };
}

function startType(value: Json, version: string | undefined): string | undefined {
  if (typeof value === 'string') return 'paragraph';
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return isSince(version, CHECKBOX_SINCE) === true ? 'checkbox' : undefined;
  if (isFile(value)) return 'file';
  const isFiles = Array.isArray(value) && value.length > 0 && value.every(isFile);
  return isFiles ? 'file-list' : undefined;
}

function isFile(value: Json): boolean {
  return isJsonObject(value) && typeof value['transfer_method'] === 'string';
}

function edge(source: string, sourceType: string, target: string, targetType: string): JsonObject {
  return {
    id: `${source}-source-${target}-target`,
    type: 'custom',
    source,
    sourceHandle: 'source',
    target,
    targetHandle: 'target',
    data: { sourceType, targetType, isInIteration: false, isInLoop: false },
    zIndex: 0,
  };
}
