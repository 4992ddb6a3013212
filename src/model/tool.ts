import type { Json, JsonNumber, JsonObject } from './json.ts';

/** The provider types that Dify's inner API can invoke, in the order in which their tools are named. */
export const PROVIDER_TYPES = ['builtin', 'workflow', 'api', 'mcp'] as const;

/** `builtin` covers Dify's hard-coded providers and those of plugins. */
export type ProviderType = (typeof PROVIDER_TYPES)[number];

/** A text by locale (`en_US`, `zh_Hans`, `pt_BR`, `ja_JP`, …). Locales may be missing or empty. */
export interface LocalizedText {
  readonly [locale: string]: string;
}

export interface ParameterOption {
  readonly value: string;
  readonly label: LocalizedText;
}

/** A parameter of a Dify tool as its catalogue declares it. */
export interface ToolParameter {
  readonly name: string;
  /** `string number boolean select checkbox secret-input file files array object any …`. May be unknown. */
  readonly type: string;
  /** `llm`: the model sets the value. `form`: the operator does. Any other value means neither. */
  readonly form: string;
  readonly required: boolean;
  readonly label: LocalizedText;
  readonly humanDescription: LocalizedText;
  readonly llmDescription: string;
  /** Absent if Dify declares none or null. */
  readonly default?: Json | undefined;
  readonly min?: JsonNumber | undefined;
  readonly max?: JsonNumber | undefined;
  readonly options: readonly ParameterOption[];
  /** Whether a `select` takes several values. */
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
  /** JSON Schema, or for workflow tools Dify's value types. Absent if Dify declares none. */
  readonly outputSchema?: JsonObject | undefined;
}

/** A set of tools that share credentials. */
export interface ToolProvider {
  readonly type: ProviderType;
  /** The `provider` of an invocation: a name, `organisation/plugin/provider`, a UUID or a server identifier. */
  readonly id: string;
  /** The provider's own name. For api providers, free text by an administrator. */
  readonly name: string;
  readonly label: LocalizedText;
  readonly description: LocalizedText;
  /** False if the provider needs credentials and the workspace has none, so that Dify would refuse every invocation. */
  readonly authorized: boolean;
  /** Dify's tags, such as `search` or `utilities`; absent if it has none. */
  readonly tags?: readonly string[] | undefined;
  readonly tools: readonly DifyTool[];
}

/** Identifies a tool in a workspace. An invocation must contain these values. */
export interface ToolRef {
  readonly providerType: ProviderType;
  readonly providerId: string;
  readonly tool: string;
}

/** Returns the identity of a tool as one string, for use as a key. */
export function identityOf({ providerType, providerId, tool }: ToolRef): string {
  return JSON.stringify([providerType, providerId, tool]);
}
