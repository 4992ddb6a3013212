import { hash } from 'node:crypto';
import { canonicalJson } from '../../model/exact-json.ts';
import { type Json, type JsonObject, objectOf } from '../../model/json.ts';
import type { FormParameter } from '../../model/ports.ts';
import type { ToolRef } from '../../model/tool.ts';
import { isSince } from '../wire/release.ts';

/** One call, as a node of a workflow's draft runs it. */
export interface NodeCall {
  readonly ref: ToolRef;
  readonly parameters: JsonObject;
  readonly forms: readonly FormParameter[];
  readonly credentialId: string | undefined;
}

/** A tool node, and the values of its variables in one call, as the run of a node names them. */
export interface NodeRun {
  readonly node: DraftNode;
  readonly inputs: JsonObject;
}

export type DraftNode = JsonObject & { readonly id: string };

export const START_NODE = 'start';
const PREFIX = 'mcp';
/** The fields of a node that decide what it runs. */
const ESSENCE = [
  'provider_id',
  'provider_type',
  'tool_name',
  'tool_parameters',
  'tool_configurations',
  'credential_id',
  'tool_node_version',
] as const;
/** From this release on, form values are inputs like others: `{type, value}`. Before, they are plain values. */
const FORM_INPUTS_SINCE = '1.7.0';
/** From this release on, the run names a variable by its selector. Before, by its parameter. */
const SELECTOR_KEYS_SINCE = '1.9.0';

/** Returns whether the bridge made a node. */
export function isOwnNode(id: string): boolean {
  return new RegExp(`^${PREFIX}[0-9a-f]{24}$`).test(id);
}

/** Returns whether one of the bridge's nodes runs what it ran when the bridge made it. A person may have edited it. */
export function isUnchanged({ id, data }: DraftNode): boolean {
  return id === idOf(objectOf(data));
}

/** Returns the ID of a node that runs this. Editors add fields that change nothing. */
function idOf(data: JsonObject): string {
  const essence = Object.fromEntries(ESSENCE.map((key) => [key, data[key]]));
  return PREFIX + hash('sha256', canonicalJson(essence)).slice(0, 24);
}

/**
 * Returns the node for a call, and its inputs. Calls with the same tool, credential and given parameters have the same
 * node, because Dify requires a value for every variable that a node names. Values go into variables only: Dify
 * replaces templates in constants and turns them into text. Before 1.7.0, Dify takes form values as plain constants,
 * which are neither replaced nor converted; there they are a part of the node.
 */
export function toNodeRun({ ref, parameters, forms, credentialId }: NodeCall, version?: string): NodeRun {
  const formInputs = isSince(version, FORM_INPUTS_SINCE) ?? true;
  const defaults = forms.flatMap(({ name, default: value }) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const given = Object.entries({ ...Object.fromEntries(defaults), ...parameters })
    .filter((entry): entry is [string, Json] => entry[1] !== undefined && entry[1] !== null)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  const formNames = new Set(forms.map(({ name }) => name));
  const isConstant = ([name]: readonly [string, Json]): boolean => !formInputs && formNames.has(name);
  const variables = given.filter((entry) => !isConstant(entry));
  const inputOf = ([name]: readonly [string, Json]) =>
    [name, { type: 'variable', value: [START_NODE, name] }] as const;
  const data = {
    ...nodeTexts('tool', ref.tool),
    provider_id: ref.providerId,
    provider_type: ref.providerType,
    // Dify shows these two and does not use them.
    provider_name: ref.providerId,
    tool_name: ref.tool,
    tool_label: ref.tool,
    tool_parameters: Object.fromEntries(variables.map(inputOf)),
    tool_configurations: formInputs
      ? Object.fromEntries(variables.filter(([name]) => formNames.has(name)).map(inputOf))
      : Object.fromEntries(given.filter(isConstant)),
    ...(credentialId !== undefined && { credential_id: credentialId }),
    // Without it, Dify reads form values as releases before 1.7.0 do.
    tool_node_version: '2',
  };
  return { node: toDraftNode(idOf(data), data), inputs: inputsOf(variables, version) };
}

/** Returns a node at a fixed place: nobody looks at them, and Dify requires a position. */
function toDraftNode(id: string, data: JsonObject, y = 0): DraftNode {
  const position = { x: 300, y };
  return {
    id,
    type: 'custom',
    data,
    position,
    positionAbsolute: position,
    width: 244,
    height: 90,
    sourcePosition: 'right',
    targetPosition: 'left',
  };
}

/** Returns the start node that every draft needs. */
export function startNode(): DraftNode {
  return toDraftNode(START_NODE, { ...nodeTexts('start', 'Start'), variables: [] }, -100);
}

function nodeTexts(type: string, title: string) {
  return { type, title, desc: '', selected: false };
}

function inputsOf(variables: readonly (readonly [string, Json])[], version: string | undefined): JsonObject {
  const isNew = isSince(version, SELECTOR_KEYS_SINCE);
  const bySelector = variables.map(([name, value]) => [`#${START_NODE}.${name}#`, value] as const);
  // Every release accepts both together.
  return Object.fromEntries(isNew === true ? bySelector : [...bySelector, ...variables]);
}
