import { setTimeout as sleep } from 'node:timers/promises';
import type { Json, JsonObject } from '../model/json.ts';
import { localized, parameter, toolDeclaration } from './declaration.ts';
import { StoredFile } from './files.ts';
import { json, type SandboxMessage, text, ToolFailure, variable, type WireMessage } from './messages.ts';
import type { SandboxProvider, ToolRun } from './provider.ts';
import { pythonJson } from './python.ts';
import { checkInputs, type WorkflowInput, type WorkflowInputs } from './workflow-inputs.ts';

/** The value of one workflow output. */
export type WorkflowOutput = Json | StoredFile | readonly StoredFile[];

/** A workflow published as a tool. */
export interface WorkflowOptions {
  readonly id: string;
  readonly appId: string;
  /** Name of the tool: letters, digits and underscores. */
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly inputs: readonly WorkflowInput[];
  /** Outputs with their Dify types (`string`, `array[string]`, `file`, …). */
  readonly outputs: Readonly<Record<string, { readonly type: string; readonly description?: string }>>;
  /** Milliseconds of silence before the answer, or a function that returns them. */
  readonly silenceMs: number | ((inputs: WorkflowInputs) => number);
  run(inputs: WorkflowInputs, run: ToolRun): Record<string, WorkflowOutput>;
}

/** Outputs that Dify sends as separate messages and omits from the list. */
const RESERVED = new Set(['text', 'json', 'files']);

/** The error of the releases whose workflow tools cannot return files. */
const BROKEN_FILE_OUTPUT =
  '1 validation error for FileMessage\n  Value error, Invalid FileMessage: missing file_marker [type=value_error, input_value={}, input_type=dict]\n    For further information visit https://errors.pydantic.dev/2.11/v/value_error';

/** Returns a provider with its one tool. */
export function workflowProvider(options: WorkflowOptions): SandboxProvider {
  const properties = Object.fromEntries(
    Object.entries(options.outputs)
      .filter(([name]) => !RESERVED.has(name))
      .map(([name, output]) => [name, { type: output.type, description: output.description ?? '' }]),
  );
  const declaration = toolDeclaration(options.name, {
    author: 'Sandbox',
    label: options.label,
    description: options.description,
    outputSchema: { type: 'object', properties },
    parameters: options.inputs.map((input) =>
      parameter(input.name, {
        type: input.type === 'paragraph' ? 'string' : input.type === 'checkbox' ? 'boolean' : input.type,
        description: input.description,
        placeholder: '',
        required: input.required ?? false,
        options: input.options,
      }),
    ),
  });
  return {
    type: 'workflow',
    id: options.id,
    name: options.label,
    author: 'Sandbox',
    label: localized(options.label),
    description: localized(options.description),
    labels: [],
    icon: { content: '🤖', background: '#FFEAD5' },
    credentialFields: [],
    extra: { workflow_app_id: options.appId },
    tools: [{ declaration, run: (given, run) => runWorkflow(options, given, run) }],
  };
}

async function* runWorkflow(
  options: WorkflowOptions,
  given: JsonObject,
  run: ToolRun,
): AsyncGenerator<SandboxMessage> {
  const inputs = checkInputs(options.inputs, given, run.files);
  const { silenceMs } = options;
  const ms = typeof silenceMs === 'number' ? silenceMs : silenceMs(inputs);
  await sleep(ms, undefined, { signal: run.signal });
  const outputs = options.run(inputs, run);
  const outputFiles = Object.values(outputs).flatMap(filesOf);
  if (outputFiles.length > 0 && run.features.brokenFileOutputs) throw new ToolFailure(BROKEN_FILE_OUTPUT);
  for (const file of outputFiles) yield fileMessage(file, run);

  const values = Object.fromEntries(
    Object.entries(outputs).map(([name, output]): [string, Json] => [name, serialized(output, run)]),
  );
  if (run.features.workflowOutputs) {
    for (const [name, value] of Object.entries(values)) if (!RESERVED.has(name)) yield variable(name, value);
  }
  yield text(pythonJson(values));
  yield json(values, true);
}

/**
 * Returns a message for a stored file: `image_link` for an image, otherwise `link`, with the file in
 * `meta`.
 */
function fileMessage(file: StoredFile, run: ToolRun): WireMessage {
  const { features } = run;
  return {
    type: file.kind === 'image' ? 'image_link' : 'link',
    message: { text: file.path },
    meta: {
      file: fileFields(file, run),
      tool_file_id: features.fileIdsInMeta ? file.id : undefined,
      mime_type: features.fileIdsInMeta ? file.mimeType : undefined,
    },
  };
}

function serialized(output: WorkflowOutput, run: ToolRun): Json {
  const one = (file: StoredFile): JsonObject => ({
    ...fileFields(file, run),
    related_id: file.id,
    url: run.files.signedUrl(file),
    tool_file_id: file.id,
  });
  if (output instanceof StoredFile) return one(output);
  if (isFileList(output)) return output.map((file) => one(file));
  return output;
}

function fileFields(file: StoredFile, { workspace, features }: ToolRun): JsonObject {
  const { fileReferences } = features;
  return {
    dify_model_identity: '__dify__file__',
    id: null,
    ...(!fileReferences && { tenant_id: workspace.id }),
    type: file.kind,
    transfer_method: 'tool_file',
    remote_url: null,
    ...(fileReferences ? { reference: file.reference } : { related_id: file.id }),
    filename: file.filename,
    extension: file.extension,
    mime_type: file.mimeType,
    size: file.size,
  };
}

function filesOf(output: WorkflowOutput): readonly StoredFile[] {
  if (output instanceof StoredFile) return [output];
  return isFileList(output) ? output : [];
}

function isFileList(output: WorkflowOutput): output is readonly StoredFile[] {
  return Array.isArray(output) && output.length > 0 && output.every((item) => item instanceof StoredFile);
}
