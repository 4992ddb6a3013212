import type { Json } from '../../src/model/json.ts';
import type { DifyTool, LocalizedText, ToolParameter, ToolProvider } from '../../src/model/tool.ts';
import { buildRegistry } from '../../src/registry/build.ts';
import type { RegistryRules } from '../../src/registry/rules.ts';
import type { PublishedTool, Registry } from '../../src/model/registry.ts';
import type { OfficialTool } from './shared.ts';

/** The rules as they are without any configuration. */
export const RULES: RegistryRules = {
  names: 'qualified',
  maxNameLength: 44,
  languages: ['en_US'],
  formParameters: 'preset',
  unauthorized: 'publish',
  deny: [],
  allow: [],
  readOnly: false,
  presets: {},
};

export function english(text: string): LocalizedText {
  return { en_US: text };
}

/** A parameter for callers; optional text unless said otherwise. */
export function parameter(name: string, more: Partial<ToolParameter> = {}): ToolParameter {
  return {
    name,
    type: 'string',
    form: 'llm',
    required: false,
    label: english(name),
    humanDescription: {},
    llmDescription: '',
    options: [],
    ...more,
  };
}

/** Choices of a select, labelled as their values. */
export function options(...values: string[]): ToolParameter['options'] {
  return values.map((value) => ({ value, label: english(value) }));
}

export function tool(
  name: string,
  parameters: readonly ToolParameter[] = [],
  more: Partial<DifyTool> = {},
): DifyTool {
  return {
    name,
    label: english(`Label of ${name}`),
    description: english(`Does ${name}.`),
    parameters,
    ...more,
  };
}

export function provider(
  id: string,
  tools: readonly DifyTool[],
  more: Partial<ToolProvider> = {},
): ToolProvider {
  return {
    type: 'builtin',
    id,
    name: id,
    label: english(`Label of ${id}`),
    description: {},
    authorized: true,
    tools,
    ...more,
  };
}

export function registryOf(providers: readonly ToolProvider[], rules: Partial<RegistryRules> = {}): Registry {
  return buildRegistry(providers, { ...RULES, ...rules });
}

/** The registry of one plugin tool, `acme_kit__work`, with these parameters. */
export function registryWith(
  parameters: readonly ToolParameter[],
  rules: Partial<RegistryRules> = {},
): Registry {
  return registryOf([provider('acme/kit/kit', [tool('work', parameters)])], rules);
}

/** The tool `acme_kit__work` with these parameters. */
export function toolWith(
  parameters: readonly ToolParameter[],
  rules: Partial<RegistryRules> = {},
): PublishedTool {
  const registry = registryWith(parameters, rules);
  const found = registry.get('acme_kit__work');
  if (found === undefined) throw new Error(`withheld: ${registry.withheld[0]?.detail ?? 'nothing'}`);
  return found;
}

/** The published schema of one parameter. */
export function propertyOf(published: PublishedTool, name: string): Record<string, unknown> | undefined {
  const properties = published.inputSchema['properties'] as Record<string, Record<string, unknown>>;
  return properties[name];
}

/** The declarations of the official plugins as providers; the YAML leaves out what is not set. */
export function officialProviders(tools: readonly OfficialTool[]): ToolProvider[] {
  const byId = new Map<string, DifyTool[]>();
  for (const official of tools) {
    const id = `${official.plugin}/${official.provider}`;
    byId.set(id, [...(byId.get(id) ?? []), officialTool(official)]);
  }
  return [...byId].map(([id, listed]) => provider(id, listed));
}

function officialTool(official: OfficialTool): DifyTool {
  return {
    name: official.name,
    label: official.label,
    description: official.description_human,
    parameters: official.parameters.map(officialParameter),
  };
}

interface YamlOption {
  readonly value: string | number | boolean;
  readonly label?: LocalizedText;
}

function officialParameter(yaml: Record<string, unknown>): ToolParameter {
  const { min, max } = yaml;
  const fallback = yaml['default'] as Json | undefined;
  return {
    name: yaml['name'] as string,
    type: yaml['type'] as string,
    form: yaml['form'] as string,
    required: yaml['required'] === true,
    label: (yaml['label'] ?? {}) as LocalizedText,
    humanDescription: (yaml['human_description'] ?? {}) as LocalizedText,
    llmDescription: (yaml['llm_description'] ?? '') as string,
    options: ((yaml['options'] ?? []) as YamlOption[]).map(({ value, label }) => ({
      value: String(value),
      label: label ?? {},
    })),
    ...(fallback !== undefined && fallback !== null && { default: fallback }),
    ...(typeof min === 'number' && { min }),
    ...(typeof max === 'number' && { max }),
  };
}
