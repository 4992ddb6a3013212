import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { SandboxFiles, StoredFile } from './files.ts';
import { ToolFailure } from './messages.ts';
import { textOf } from './parameter-values.ts';

/** A start variable of a workflow. */
export interface WorkflowInput {
  readonly name: string;
  readonly description: string;
  readonly type: 'string' | 'paragraph' | 'number' | 'select' | 'checkbox' | 'file' | 'files';
  readonly required?: boolean | undefined;
  readonly maxLength?: number | undefined;
  readonly options?: readonly string[] | undefined;
  readonly default?: Json | undefined;
}

/** Checked start variables; a file is the stored file itself. */
export type WorkflowInputs = Readonly<Record<string, Json | StoredFile | readonly StoredFile[]>>;

/**
 * Returns the start variables of a run. Forwards only declared ones; an absent one is its default,
 * otherwise null. Throws a ToolFailure with Dify's text for the first invalid one.
 */
export function checkInputs(
  declared: readonly WorkflowInput[],
  given: JsonObject,
  files: SandboxFiles,
): WorkflowInputs {
  return Object.fromEntries(
    declared.map((input) => {
      const value = given[input.name] ?? input.default ?? null;
      if (value === null && input.required === true) {
        throw new ToolFailure(`${input.name} is required in input form`);
      }
      return [input.name, value === null ? null : checkInput(input, value, files)];
    }),
  );
}

function checkInput(input: WorkflowInput, value: Json, files: SandboxFiles): WorkflowInputs[string] {
  switch (input.type) {
    case 'file':
      return storedFile(input.name, value, files);
    case 'files':
      return (Array.isArray(value) ? value : [value]).map((item: Json) =>
        storedFile(input.name, item, files),
      );
    case 'number':
      if (typeof value === 'number') return value;
      throw new ToolFailure(`${input.name} in input form must be a valid number`);
    case 'checkbox':
      return ['true', '1', 'yes', 'on'].includes(JSON.stringify(value).replaceAll('"', '').toLowerCase());
    default:
      return checkText(input, value);
  }
}

function checkText(input: WorkflowInput, value: Json): string {
  if (typeof value !== 'string') throw new ToolFailure(`${input.name} in input form must be a string`);
  if (input.maxLength !== undefined && value.length > input.maxLength) {
    throw new ToolFailure(`${input.name} in input form must be less than ${input.maxLength} characters`);
  }
  if (input.options && value !== '' && !input.options.includes(value)) {
    const options = input.options.map((option) => `'${option}'`).join(', ');
    throw new ToolFailure(`${input.name} in input form must be one of the following: [${options}]`);
  }
  return value.replaceAll('\0', '');
}

/** Returns the file of a file mapping, if it is stored: the sandbox fetches no addresses. */
function storedFile(name: string, value: Json, files: SandboxFiles): StoredFile {
  if (!isJsonObject(value)) throw new ToolFailure(`${name} in input form must be a file`);
  if (!['tool_file', 'local_file'].includes(textOf(value, 'transfer_method'))) {
    throw new ToolFailure(`File validation failed for file: ${textOf(value, 'filename')}`);
  }
  const id =
    ['tool_file_id', 'upload_file_id', 'related_id'].map((name) => textOf(value, name)).find(Boolean) ?? '';
  const file = files.get(id);
  if (file === undefined) throw new ToolFailure(`ToolFile ${id} not found`);
  const type = textOf(value, 'type');
  if (type !== '' && type !== file.kind) {
    throw new ToolFailure('Detected file type does not match the specified type. Please verify the file.');
  }
  return file;
}
