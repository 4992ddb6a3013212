import type { Json, JsonObject } from './json.ts';

/** The provider types that Dify's inner API can invoke, in the order in which names are given out. */
export const PROVIDER_TYPES = ['builtin', 'workflow', 'api', 'mcp'] as const;

/** `builtin` covers Dify's hard-coded providers and those of plugins. */
export type ProviderType = (typeof PROVIDER_TYPES)[number];

/** A text by locale (`en_US`, `zh_Hans`, `pt_BR`, `ja_JP`, …). Locales may be missing or empty. */
export interface LocalizedText {
  readonly [locale: string]: string;
}

/** One choice of a `select` parameter. */
export interface ParameterOption {
  readonly value: string;
  readonly label: LocalizedText;
}

/** A parameter of a Dify tool as its catalogue declares it. */
export interface ToolParameter {
  readonly name: string;
  /** `string number boolean select checkbox secret-input file files array object any …`; unknown types are kept. */
  readonly type: string;
  /** `llm`: the model fills it. `form`: the operator does. Anything else is neither. */
  readonly form: string;
  readonly required: boolean;
  readonly label: LocalizedText;
  readonly humanDescription: LocalizedText;
  readonly llmDescription: string;
  /** Absent when Dify declares none (null counts as none). */
  readonly default?: Json | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly options: readonly ParameterOption[];
  /** A `select` that takes several values. */
  readonly multiple?: boolean | undefined;
  /** JSON Schema of a parameter of an MCP server's tool. */
  readonly inputSchema?: JsonObject | undefined;
}

/** One operation of a provider. */
export interface DifyTool {
  readonly name: string;
  readonly label: LocalizedText;
  readonly description: LocalizedText;
  readonly parameters: readonly ToolParameter[];
  /** For workflow tools in Dify's value types, for all others JSON Schema. Absent when Dify declares none. */
  readonly outputSchema?: JsonObject | undefined;
}

/** A set of tools that share credentials. */
export interface ToolProvider {
  readonly type: ProviderType;
  /** What an invocation names as `provider`: a name, `organisation/plugin/provider`, a UUID or a server identifier. */
  readonly id: string;
  /** The provider's own name; for api providers free text that an administrator chose. */
  readonly name: string;
  readonly label: LocalizedText;
  readonly description: LocalizedText;
  /** False when the provider needs credentials and the workspace has none: every invocation would be refused. */
  readonly authorized: boolean;
  /** Dify's tags, such as `search` or `utilities`; absent when it has none. */
  readonly tags?: readonly string[] | undefined;
  readonly tools: readonly DifyTool[];
}

/** What identifies a tool in a workspace, and what an invocation has to name. */
export interface ToolRef {
  readonly providerType: ProviderType;
  readonly providerId: string;
  readonly tool: string;
}

/** One text for one tool: type, provider and tool. */
export function identityOf({ providerType, providerId, tool }: ToolRef): string {
  return JSON.stringify([providerType, providerId, tool]);
}
