import { randomUUID } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { ProviderType } from '../model/tool.ts';
import { nowInSeconds, type SandboxApp } from './account-apps.ts';
import { NodeOutputs } from './account-outputs.ts';
import { prepareParameters } from './cast.ts';
import { ACCOUNT_ID } from './console-view.ts';
import { credentialFor, findProvider, findTool } from './invoke-routes.ts';
import { ToolFailure, WorkerCrash } from './messages.ts';
import { textOf } from './parameter-values.ts';
import { isPlugin, type SandboxProvider } from './provider.ts';
import { pythonRepr } from './python.ts';
import { internalError, invalidParam, Refusal } from './refusal.ts';
import type { AppContext, SandboxState } from './state.ts';

/** A tool node as a draft has it. */
export interface ToolNode {
  readonly id: string;
  readonly data: JsonObject;
}

/** What a run ended with. */
export type Outcome =
  | { readonly status: 'succeeded'; readonly inputs: JsonObject; readonly outputs: JsonObject }
  | { readonly status: 'failed'; readonly error: string };

/** Runs one node of an app's draft. Throws a Refusal for what Dify refuses before it runs the tool. */
export async function runNode(c: AppContext, app: SandboxApp, inputs: JsonObject, state: SandboxState) {
  const node = nodesOf(app).find(({ id }) => id === c.req.param('node'));
  // Dify does not catch this.
  if (node === undefined) throw internalError();
  const abort = new AbortController();
  c.env.outgoing.once('close', () => abort.abort());
  const started = performance.now();
  const pool = poolOf(node, inputs, state);
  const outcome = await runTool(node, pool, { appId: app.id, state, signal: abort.signal }).catch(
    (error: unknown) => {
      if (error instanceof WorkerCrash) c.env.outgoing.destroy();
      throw error;
    },
  );
  return executionView(node, outcome, performance.now() - started);
}

export function nodesOf({ draft }: SandboxApp): readonly ToolNode[] {
  const nodes = draft?.graph['nodes'];
  return Array.isArray(nodes) ? nodes : [];
}

/** Returns the values of the variables that a node names. Throws a Refusal if one is missing. */
function poolOf(node: ToolNode, inputs: JsonObject, state: SandboxState): ReadonlyMap<string, Json> {
  const pool = new Map<string, Json>();
  for (const [name, input] of Object.entries(node.data['tool_parameters'] as JsonObject)) {
    if (!isJsonObject(input) || input['type'] !== 'variable') continue;
    const selector = (input['value'] as readonly string[]).join('.');
    const key = state.features.selectorKeys ? `#${selector}#` : name;
    const value = inputs[key] ?? inputs[`${node.id}.${key}`];
    if (value === undefined && !(key in inputs)) {
      throw invalidParam(`Variable key ${node.id}.${key} not found in user inputs.`);
    }
    const isNumber = typeof value === 'boolean' && !state.features.nodeLinks;
    if (isNumber) pool.set(selector, Number(value));
    else if (value !== null && value !== undefined) pool.set(selector, inputFiles(value, state));
    else if (!state.features.selectorKeys) pool.set(selector, null);
  }
  return pool;
}

/** Replaces the mapping of an uploaded file with the file, as Dify does for every value that looks like one. */
export function inputFiles(value: Json, state: SandboxState): Json {
  if (Array.isArray(value)) {
    return value.length > 0 && value.every(isMapping) ? value.map((item) => fileOf(item, state)) : value;
  }
  return isMapping(value) ? fileOf(value, state) : value;
}

function isMapping(value: Json): value is JsonObject {
  return isJsonObject(value) && value['type'] !== undefined && value['transfer_method'] !== undefined;
}

function fileOf(mapping: JsonObject, state: SandboxState): JsonObject {
  if (mapping['transfer_method'] === 'remote_url') return mapping;
  const file = state.files.get(textOf(mapping, 'upload_file_id') || textOf(mapping, 'related_id'));
  if (file === undefined) throw invalidParam('Invalid upload file');
  if (mapping['type'] !== 'custom' && mapping['type'] !== file.kind) {
    throw invalidParam('Detected file type does not match the specified type. Please verify the file.');
  }
  return {
    dify_model_identity: '__dify__file__',
    type: file.kind,
    transfer_method: 'local_file',
    related_id: file.id,
    filename: file.filename,
    extension: file.extension,
    mime_type: file.mimeType,
    size: file.size,
    url: state.files.signedUrl(file),
  };
}

export interface RunContext {
  readonly appId: string;
  readonly state: SandboxState;
  readonly signal: AbortSignal;
}

/** Runs the tool of a node with the values of a pool. */
export async function runTool(
  node: ToolNode,
  pool: ReadonlyMap<string, Json>,
  { appId, state, signal }: RunContext,
): Promise<Outcome> {
  const { data } = node;
  let provider: SandboxProvider | undefined;
  let started = false;
  try {
    provider = findProvider(data['provider_type'] as ProviderType, textOf(data, 'provider_id'), state);
    const tool = findTool(provider, textOf(data, 'tool_name'));
    const credential = credentialFor(provider, data['credential_id'], state);
    const forms = new Set(
      tool.declaration.parameters.filter(({ form }) => form === 'form').map(({ name }) => name),
    );
    const given = { ...inputsOf(data, pool), ...formsOf(data, forms, pool, state) };
    // Since form values are inputs, Dify neither requires one that is absent nor fills in its default.
    const declared = tool.declaration.parameters.filter(
      ({ name, form }) => form !== 'form' || !state.features.formInputs || Object.hasOwn(given, name),
    );
    const parameters = prepareParameters(declared, given);
    started = true;
    state.account.runs.push({ appId, tool: tool.declaration.name, parameters });
    const { files, features, workspace } = state;
    const outputs = new NodeOutputs(state);
    for await (const message of tool.run(parameters, { signal, files, features, workspace, credential })) {
      outputs.add(message);
    }
    const inputs = state.features.nullInputSchemas ? given : inputsOf(data, pool);
    return { status: 'succeeded', inputs, outputs: outputs.toJson() };
  } catch (error) {
    // A fault of Dify itself, as 1.4.1 has with some messages, is no failed run.
    const isFault = started && error instanceof Refusal && error.status === 500;
    if (error instanceof WorkerCrash || isFault) throw error;
    if (!started && error instanceof Refusal && !state.features.failedLookups) throw error;
    return { status: 'failed', error: errorText(error, provider, data) };
  }
}

function inputsOf(data: JsonObject, pool: ReadonlyMap<string, Json>): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const [name, input] of Object.entries(data['tool_parameters'] as JsonObject)) {
    const value = isJsonObject(input) ? valueOf(input, pool) : undefined;
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function formsOf(
  data: JsonObject,
  forms: ReadonlySet<string>,
  pool: ReadonlyMap<string, Json>,
  { features }: SandboxState,
): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const [name, input] of Object.entries(data['tool_configurations'] as JsonObject)) {
    if (!forms.has(name) || input === undefined) continue;
    if (!features.formInputs) values[name] = input;
    // A plain value is ignored without a word.
    const value = features.formInputs && isJsonObject(input) ? valueOf(input, pool) : undefined;
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** Constants are templates: they become text. */
function valueOf({ type, value }: JsonObject, pool: ReadonlyMap<string, Json>): Json | undefined {
  if (type === 'variable') return pool.get((value as readonly string[]).join('.'));
  const plain = (inner: Json | undefined): string =>
    typeof inner === 'string' ? inner : pythonRepr(inner ?? '');
  return plain(value).replaceAll(/\{\{#([^#{}]+)#\}\}/g, (_, selector: string) => plain(pool.get(selector)));
}

function errorText(error: unknown, provider: SandboxProvider | undefined, data: JsonObject): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Refusal) {
    const isLookup = /not found|no default provider|has been deleted|Invalid plugin id|^Internal/.test(
      message,
    );
    return isLookup ? `Failed to get tool runtime: ${message}` : message;
  }
  const id = textOf(data, 'provider_id');
  if (provider !== undefined && isPlugin(provider)) {
    const type = error instanceof ToolFailure ? 'ToolInvokeError' : 'Exception';
    return `An error occurred in the ${id}, please contact the author of ${id} for help, error type: ${type}, error details: ${message}`;
  }
  return `Failed to invoke tool ${textOf(data, 'provider_name')}: ${message}`;
}

function executionView(node: ToolNode, outcome: Outcome, elapsedMs: number) {
  const { data } = node;
  const succeeded = outcome.status === 'succeeded';
  const toolInfo = {
    provider_type: data['provider_type'],
    provider_id: data['provider_id'],
    plugin_unique_identifier: null,
  };
  return {
    id: randomUUID(),
    index: 1,
    predecessor_node_id: null,
    node_id: node.id,
    node_type: 'tool',
    title: data['title'],
    inputs: succeeded ? outcome.inputs : null,
    process_data: null,
    outputs: succeeded ? outcome.outputs : null,
    status: outcome.status,
    error: succeeded ? null : outcome.error,
    elapsed_time: elapsedMs / 1000,
    execution_metadata: succeeded ? { tool_info: toolInfo } : {},
    extras: {},
    created_at: nowInSeconds(),
    created_by_role: 'account',
    created_by_account: { id: ACCOUNT_ID, name: 'Admin', email: 'admin@example.com' },
    created_by_end_user: null,
    finished_at: nowInSeconds(),
    inputs_truncated: false,
    outputs_truncated: false,
    process_data_truncated: false,
  };
}
