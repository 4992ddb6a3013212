import { readNumber } from '../../model/exact-json.ts';
import { isJsonObject, type Json, type JsonNumber, listOf, objectOf, textOf } from '../../model/json.ts';
import type {
  CatalogListing,
  CatalogProblem,
  CredentialListing,
  ProviderCredential,
} from '../../model/ports.ts';
import type {
  DifyTool,
  LocalizedText,
  ParameterOption,
  ProviderType,
  ToolParameter,
  ToolProvider,
} from '../../model/tool.ts';

/** The tools of one provider, and problems for those that could not be read. */
export interface ToolReading {
  readonly tools: readonly DifyTool[];
  readonly problems: readonly CatalogProblem[];
}

/** One provider, or only the reason why it cannot be used. */
export interface ProviderReading {
  readonly provider: ToolProvider | undefined;
  readonly problems: readonly CatalogProblem[];
}

/**
 * Reads a list of providers as `tools/<type>` and `tool-providers?type=<type>` answer it. Omits entries that cannot be
 * read and names them in `problems`. Returns undefined if `raw` is not a list. Never throws.
 */
export function toToolProviders(raw: unknown, type: ProviderType): CatalogListing | undefined {
  if (!Array.isArray(raw)) return undefined;
  const readings = raw.map((entry: unknown, index) => toToolProvider(entry, type, index + 1));
  return toListing(readings, type);
}

/** Returns one listing of providers that were read one by one, in the same order. The first of two with one id wins. */
export function toListing(readings: readonly ProviderReading[], type: ProviderType): CatalogListing {
  const providers = new Map<string, ToolProvider>();
  const problems: CatalogProblem[] = [];
  for (const reading of readings) {
    for (const each of reading.problems) problems.push(each);
    if (reading.provider === undefined) continue;
    const { id } = reading.provider;
    if (providers.has(id)) {
      problems.push(problem(type, id, `Dify lists the provider "${id}" twice; the first one is used.`));
    } else {
      providers.set(id, reading.provider);
    }
  }
  return { providers: [...providers.values()], problems };
}

/**
 * Reads one provider object. `id` is what an invocation names. For MCP servers that is `server_identifier`: `tools/mcp`
 * calls it `id`, `tool-providers` has it next to a database id. A provider that does not say whether it is authorised
 * counts as authorised. `number` is its position, from 1, which names a provider without an id in problems.
 */
export function toToolProvider(raw: unknown, type: ProviderType, number: number): ProviderReading {
  const position = `entry ${number}`;
  if (!isJsonObject(raw)) return unusable(type, position, 'it is not an object');
  const name = textOf(raw['name']);
  const id = (type === 'mcp' ? textOf(raw['server_identifier']) : undefined) ?? textOf(raw['id']);
  if (id === undefined) return unusable(type, name ?? position, 'it has no id');
  const reading = toDifyTools(raw['tools'] ?? [], type, id);
  if (reading === undefined) return unusable(type, id, 'its tools are not a list');
  const tags = listOf(raw['labels']).filter((item) => typeof item === 'string');
  const provider: ToolProvider = {
    type,
    id,
    name: name ?? id,
    label: toLocalizedText(raw['label']),
    description: toLocalizedText(raw['description']),
    authorized: raw['is_team_authorization'] !== false,
    tags: tags.length === 0 ? undefined : tags,
    tools: reading.tools,
  };
  return { provider, problems: reading.problems };
}

/** Reads the tools of one provider. The first of two with one name wins. Returns undefined if `raw` is not a list. */
export function toDifyTools(raw: unknown, type: ProviderType, providerId: string): ToolReading | undefined {
  if (!Array.isArray(raw)) return undefined;
  const tools = new Map<string, DifyTool>();
  const problems: CatalogProblem[] = [];
  for (const [index, entry] of raw.entries()) {
    const tool = toDifyTool(entry);
    const name = textOf(objectOf(entry)['name']);
    const title = name === undefined ? `Tool ${index + 1}` : `The tool "${name}"`;
    if (typeof tool === 'string') {
      problems.push(problem(type, providerId, `${title} of "${providerId}" is left out: ${tool}.`));
    } else if (tools.has(tool.name)) {
      const text = `${title} of "${providerId}" is listed twice; the first one is used.`;
      problems.push(problem(type, providerId, text));
    } else {
      tools.set(tool.name, tool);
    }
  }
  return { tools: [...tools.values()], problems };
}

/** Reads a provider's credentials, without values and without nameless ones; undefined if there is no list. */
export function toCredentials(raw: unknown): CredentialListing | undefined {
  const { credentials: list, supported_credential_types: types } = objectOf(raw);
  if (!Array.isArray(list)) return undefined;
  const credentials = list.flatMap((entry: unknown): ProviderCredential[] => {
    const fields = objectOf(entry);
    const [id, name] = [textOf(fields['id']), textOf(fields['name'])];
    if (id === undefined || name === undefined) return [];
    return [{ id, name, visibility: textOf(fields['visibility']) }];
  });
  return { needed: !Array.isArray(types) || types.length > 0, credentials };
}

/** Returns a tool, or a phrase that says what is wrong with it. */
function toDifyTool(raw: unknown): DifyTool | string {
  if (!isJsonObject(raw)) return 'it is not an object';
  const name = textOf(raw['name']);
  if (name === undefined) return 'it has no name';
  const list: unknown = raw['parameters'] ?? [];
  if (!Array.isArray(list)) return 'its parameters are not a list';
  const parameters: ToolParameter[] = [];
  for (const [index, entry] of list.entries()) {
    const parameter = toToolParameter(entry);
    if (parameter === undefined) return `parameter ${index + 1} is not an object with a name`;
    parameters.push(parameter);
  }
  const outputSchema = objectOf(raw['output_schema']);
  return {
    name,
    label: toLocalizedText(raw['label']),
    description: toLocalizedText(raw['description']),
    parameters,
    // Dify writes {} if a tool declares no outputs.
    outputSchema: Object.keys(outputSchema).length > 0 ? outputSchema : undefined,
  };
}

function toToolParameter(raw: unknown): ToolParameter | undefined {
  if (!isJsonObject(raw)) return undefined;
  const name = textOf(raw['name']);
  if (name === undefined) return undefined;
  const inputSchema = raw['input_schema'];
  return {
    name,
    // `tools/<type>` writes `files` for `system-files`; the route of a single provider does not.
    type: textOf(raw['type'])?.replace(/^system-files$/, 'files') ?? 'any',
    form: textOf(raw['form']) ?? 'llm',
    required: raw['required'] === true || raw['required'] === 'true',
    label: toLocalizedText(raw['label']),
    humanDescription: toLocalizedText(raw['human_description']),
    llmDescription: textOf(raw['llm_description']) ?? '',
    options: toOptions(raw['options']),
    default: raw['default'] ?? undefined,
    min: toNumber(raw['min']),
    max: toNumber(raw['max']),
    multiple: raw['multiple'] === true ? true : undefined,
    inputSchema: isJsonObject(inputSchema) ? inputSchema : undefined,
  };
}

const NO_OPTIONS: readonly ParameterOption[] = [];

/** Converts numbers and booleans to text, because Dify compares choices as text. Omits choices without a value. */
function toOptions(raw: Json | undefined): readonly ParameterOption[] {
  if (!Array.isArray(raw) || raw.length === 0) return NO_OPTIONS;
  return (raw as readonly Json[]).flatMap((entry): ParameterOption[] => {
    const { value, label } = isJsonObject(entry) ? entry : { value: entry };
    if (value === undefined || typeof value === 'object') return [];
    return [{ value: String(value), label: toLocalizedText(label) }];
  });
}

/** Returns texts by locale. A plain string counts as English, anything else as no text. */
function toLocalizedText(raw: Json | undefined): LocalizedText {
  const texts: Record<string, string> = {};
  const given = typeof raw === 'string' ? { en_US: raw } : raw;
  for (const [locale, text] of isJsonObject(given) ? Object.entries(given) : []) {
    // Dify fills missing translations with the English text: share one string for equal texts.
    if (typeof text === 'string') texts[locale] = text === texts['en_US'] ? texts['en_US'] : text;
  }
  return texts;
}

function toNumber(raw: Json | undefined): JsonNumber | undefined {
  const value = typeof raw === 'string' && raw.trim() !== '' ? readNumber(raw.trim()) : raw;
  return typeof value === 'bigint' || Number.isFinite(value) ? (value as JsonNumber) : undefined;
}

function problem(providerType: ProviderType, providerId: string, message: string): CatalogProblem {
  return { providerType, providerId, message };
}

function unusable(type: ProviderType, providerId: string, why: string): ProviderReading {
  const message = `The ${type} provider "${providerId}" is left out: ${why}.`;
  return { provider: undefined, problems: [problem(type, providerId, message)] };
}
