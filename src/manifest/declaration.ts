import { parseJson } from '../model/exact-json.ts';
import { writeJson } from '../model/well-formed.ts';
import { type Json, type JsonObject, withoutUndefined } from '../model/json.ts';
import {
  type DifyTool,
  identityOf,
  type LocalizedText,
  type ToolParameter,
  type ToolProvider,
} from '../model/tool.ts';
import type { FileDeclaration, FileParameter, FileText, ManifestFile } from './file-schema.ts';

/** Returns the declarations of tools with their providers, by identity. Of two with one identity, the first counts. */
export function declarationsOf(providers: readonly ToolProvider[]) {
  const found = new Map<string, { readonly provider: ToolProvider; readonly tool: DifyTool }>();
  for (const provider of providers) {
    for (const tool of provider.tools) {
      const key = identityOf({ providerType: provider.type, providerId: provider.id, tool: tool.name });
      if (!found.has(key)) found.set(key, { provider, tool });
    }
  }
  return found;
}

/** Returns a provider in the form of its file, without empty parts. */
export function providerToFile(provider: ToolProvider): ManifestFile['provider'] {
  const { type, id, name, label, description, authorized, tags = [] } = provider;
  return withoutUndefined({
    type,
    id,
    name,
    label: textOf(label),
    description: textOf(description),
    authorized,
    tags: unlessEmpty(tags),
  });
}

/** Returns a tool's declaration in the form of its file, without empty parts. */
export function declarationToFile(tool: DifyTool): FileDeclaration {
  const { name, label, description, parameters, outputSchema } = tool;
  return withoutUndefined({
    name,
    label: textOf(label),
    description: textOf(description),
    parameters: unlessEmpty(parameters.map(parameterToFile)),
    outputSchema: outputSchema && plain(outputSchema),
  });
}

/** Returns the provider of a file with its approved tools only, or with all of its tools. */
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
  return withoutUndefined({
    name,
    label: localized(label),
    description: localized(description),
    parameters: parameters.map(parameterOf),
    outputSchema,
  });
}

function parameterToFile(parameter: ToolParameter): FileParameter {
  const { name, type, form, required, label, humanDescription, llmDescription } = parameter;
  const { default: declared, min, max, options, multiple, inputSchema } = parameter;
  return withoutUndefined({
    name,
    type,
    form,
    required,
    label: textOf(label),
    humanDescription: textOf(humanDescription),
    llmDescription: llmDescription === '' ? undefined : llmDescription,
    default: declared === undefined ? undefined : plain(declared),
    min,
    max,
    options: unlessEmpty(
      options.map((option) => withoutUndefined({ value: option.value, label: textOf(option.label) })),
    ),
    multiple: multiple === true ? multiple : undefined,
    inputSchema: inputSchema && plain(inputSchema),
  });
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

function unlessEmpty<T>(list: readonly T[]): T[] | undefined {
  return list.length === 0 ? undefined : [...list];
}

/** Returns localised texts without empty ones: undefined if none is left, one text if all are equal. */
function textOf(given: LocalizedText): FileText | undefined {
  const entries = Object.entries(given).filter(([, text]) => text !== '');
  if (entries.length === 0) return undefined;
  // Dify repeats the English text for languages that a tool does not support.
  const english = given['en_US'];
  const isSame = english !== undefined && entries.every(([, text]) => text === english);
  return isSame ? english : Object.fromEntries(entries);
}

function localized(text: FileText | undefined): LocalizedText {
  return typeof text === 'string' ? { en_US: text } : (text ?? {});
}

/** Returns a copy as JSON without undefined members, which shares nothing with the declaration. */
export function plain<T extends Json | JsonObject>(value: T): T {
  return parseJson(writeJson(value)) as T;
}
