import type { Json, JsonObject } from '../model/json.ts';
import type { DifyTool, LocalizedText, ToolParameter, ToolProvider } from '../model/tool.ts';
import type { FileDeclaration, FileParameter, FileText, ManifestFile } from './file-schema.ts';

/** A provider as its file has it: what is empty is left out. */
export function providerToFile(provider: ToolProvider): ManifestFile['provider'] {
  const { type, id, name, label, description, authorized, tags = [] } = provider;
  const tagged = tags.length > 0 && { tags: [...tags] };
  return { type, id, name, ...texts({ label, description }), authorized, ...tagged };
}

/** A tool's declaration as its file has it: what is empty is left out. */
export function declarationToFile(tool: DifyTool): FileDeclaration {
  const { name, label, description, parameters, outputSchema } = tool;
  return {
    name,
    ...texts({ label, description }),
    ...(parameters.length > 0 && { parameters: parameters.map(parameterToFile) }),
    ...(outputSchema !== undefined && { outputSchema: plain(outputSchema) }),
  };
}

/** The provider of a file with its approved tools, or with all that stand there. */
export function providerOf(file: ManifestFile, which: 'approved' | 'all'): ToolProvider {
  const { label, description, ...rest } = file.provider;
  const entries = which === 'all' ? [...file.tools, ...(file.withheld ?? [])] : file.tools;
  return {
    ...rest,
    label: localized(label),
    description: localized(description),
    tools: entries.map(({ dify }) => toolOf(dify)),
  };
}

function toolOf(declaration: FileDeclaration): DifyTool {
  const { name, label, description, parameters = [], outputSchema } = declaration;
  return {
    name,
    label: localized(label),
    description: localized(description),
    parameters: parameters.map(parameterOf),
    ...(outputSchema !== undefined && { outputSchema }),
  };
}

function parameterToFile(parameter: ToolParameter): FileParameter {
  const { name, type, form, required, label, humanDescription, llmDescription } = parameter;
  const { default: declared, min, max, options, multiple, inputSchema } = parameter;
  return {
    name,
    type,
    form,
    required,
    ...texts({ label, humanDescription }),
    ...(llmDescription !== '' && { llmDescription }),
    ...(declared !== undefined && { default: plain(declared) }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(options.length > 0 && {
      options: options.map((option) => ({ value: option.value, ...texts({ label: option.label }) })),
    }),
    ...(multiple === true && { multiple }),
    ...(inputSchema !== undefined && { inputSchema: plain(inputSchema) }),
  };
}

function parameterOf(parameter: FileParameter): ToolParameter {
  const { label, humanDescription, llmDescription = '', options = [], ...rest } = parameter;
  return {
    ...rest,
    label: localized(label),
    humanDescription: localized(humanDescription),
    llmDescription,
    options: options.map((option) => ({ value: option.value, label: localized(option.label) })),
  };
}

/** Localised texts by the name of their key, without those that say nothing. */
function texts<Key extends string>(given: Readonly<Record<Key, LocalizedText>>): { [K in Key]?: FileText } {
  const kept: { [K in Key]?: FileText } = {};
  for (const key of Object.keys(given) as Key[]) {
    const entries = Object.entries(given[key]).filter(([, text]) => text !== '');
    const english = given[key]['en_US'];
    // Dify repeats the English text for the languages that a tool does not speak.
    const same = entries.length > 0 && entries.every(([, text]) => text === english);
    if (same && english !== undefined) kept[key] = english;
    else if (entries.length > 0) kept[key] = Object.fromEntries(entries);
  }
  return kept;
}

function localized(text: FileText | undefined): LocalizedText {
  return typeof text === 'string' ? { en_US: text } : (text ?? {});
}

/** JSON without undefined members, and nothing shared with the declaration. */
export function plain<T extends Json | JsonObject>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
