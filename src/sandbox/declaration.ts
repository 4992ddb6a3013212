import type { Json, JsonObject } from '../model/json.ts';

/** A text in the four languages of the console. */
export interface ConsoleText extends JsonObject {
  readonly en_US: string;
  readonly zh_Hans: string;
  readonly pt_BR: string;
  readonly ja_JP: string;
}

/** A parameter as the console lists it. */
export interface ParameterDeclaration {
  readonly name: string;
  readonly label: ConsoleText;
  readonly placeholder: ConsoleText | null;
  readonly scope: string | null;
  readonly auto_generate: null;
  readonly template: null;
  readonly required: boolean;
  readonly default: Json;
  readonly min: number | null;
  readonly max: number | null;
  readonly precision: number | null;
  readonly options: readonly { readonly value: string; readonly label: ConsoleText; readonly icon: null }[];
  readonly type: string;
  readonly human_description: ConsoleText | null;
  readonly form: 'llm' | 'form';
  readonly llm_description: string | null;
  readonly input_schema: JsonObject | null;
}

/** A tool as the console lists it. */
export interface ToolDeclaration {
  readonly author: string;
  readonly name: string;
  readonly label: ConsoleText;
  readonly description: ConsoleText;
  readonly parameters: readonly ParameterDeclaration[];
  readonly labels: readonly string[];
  readonly output_schema: JsonObject;
}

/** Returns a text in all languages; missing ones use English, as in Dify. */
export function localized(english: string, others: { zh_Hans?: string; pt_BR?: string } = {}): ConsoleText {
  return {
    en_US: english,
    zh_Hans: others.zh_Hans ?? english,
    pt_BR: others.pt_BR ?? english,
    ja_JP: english,
  };
}

/** The fields of a parameter that vary. */
export interface ParameterOptions {
  readonly type?: string | undefined;
  readonly label?: string | undefined;
  /** For people; models also read it if `llm` is absent. */
  readonly description?: string | undefined;
  /** For models; null means that the tool declares none. */
  readonly llm?: string | null | undefined;
  readonly placeholder?: string | undefined;
  readonly required?: boolean | undefined;
  readonly default?: Json | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly form?: 'llm' | 'form' | undefined;
  readonly options?: readonly string[] | undefined;
  readonly inputSchema?: JsonObject | undefined;
}

/**
 * Returns a parameter with all fields of a real one: by default an optional string that the model fills.
 */
export function parameter(name: string, options: ParameterOptions = {}): ParameterDeclaration {
  const description = options.description ?? '';
  return {
    name,
    label: localized(options.label ?? name),
    placeholder: options.placeholder === undefined ? null : localized(options.placeholder),
    scope: null,
    auto_generate: null,
    template: null,
    required: options.required ?? false,
    default: options.default ?? null,
    min: options.min ?? null,
    max: options.max ?? null,
    precision: null,
    options: (options.options ?? []).map((value) => ({ value, label: localized(value), icon: null })),
    type: options.type ?? 'string',
    human_description: localized(description),
    form: options.form ?? 'llm',
    llm_description: options.llm === undefined ? description : options.llm,
    input_schema: options.inputSchema ?? null,
  };
}

/** The fields of a tool that vary. */
export interface ToolOptions {
  readonly author?: string | undefined;
  readonly label?: string | undefined;
  readonly description: string;
  readonly parameters?: readonly ParameterDeclaration[] | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly outputSchema?: JsonObject | undefined;
}

/** Returns a tool with all fields of a real one. */
export function toolDeclaration(name: string, options: ToolOptions): ToolDeclaration {
  return {
    author: options.author ?? '',
    name,
    label: localized(options.label ?? name),
    description: localized(options.description),
    parameters: options.parameters ?? [],
    labels: options.labels ?? [],
    output_schema: options.outputSchema ?? {},
  };
}
