import type { Json, JsonObject } from '../model/json.ts';
import type { ProviderType } from '../model/tool.ts';
import {
  type ConsoleText,
  localized,
  type ToolDeclaration,
  toolDeclaration,
  type ToolOptions,
} from './declaration.ts';
import type { Features } from './features.ts';
import type { SandboxFiles } from './files.ts';
import type { SandboxMessage } from './messages.ts';

/** Stored credentials of a provider. */
export interface StoredCredential {
  readonly id: string;
  readonly name: string;
  readonly providerId: string;
  readonly visibility: CredentialVisibility;
  /** Whether another member has stored it for itself alone. */
  readonly isForeign: boolean;
}

export type CredentialVisibility = 'all_team_members' | 'only_me' | 'partial_members';

/** The context of a running tool. */
export interface ToolRun {
  /** Aborted when the caller closes the connection. */
  readonly signal: AbortSignal;
  readonly files: SandboxFiles;
  readonly features: Features;
  readonly workspace: {
    readonly id: string;
    readonly providers: readonly SandboxProvider[];
    putTool(type: ProviderType, providerId: string, tool: SandboxTool): void;
  };
  /** The credential of the call; absent for a provider that needs none. */
  readonly credential?: StoredCredential | undefined;
}

/** A tool: its declaration and its behaviour. It fails by throwing a ToolFailure. */
export interface SandboxTool {
  readonly declaration: ToolDeclaration;
  run(parameters: JsonObject, run: ToolRun): AsyncIterable<SandboxMessage>;
}

/** A provider: its tools, and the fields of the console's listing that nothing else implies. */
export interface SandboxProvider {
  readonly type: ProviderType;
  /** The id that an invocation uses. */
  readonly id: string;
  /** `id` in the list of providers if it differs: for MCP servers. */
  readonly databaseId?: string | undefined;
  readonly name: string;
  readonly author: string;
  readonly label: ConsoleText;
  readonly description: ConsoleText;
  readonly labels: readonly string[];
  /** Absent for plugins and hard-coded providers, whose icon is a URL. */
  readonly icon?: JsonObject | undefined;
  /** Credentials that the provider needs; none if empty. */
  readonly credentialFields: readonly string[];
  /** Fields of the listing that only this type has. */
  readonly extra: Readonly<Record<string, Json>>;
  readonly tools: readonly SandboxTool[];
}

/** Returns a tool from its declaration and its behaviour. */
export function defineTool(name: string, options: ToolOptions, run: SandboxTool['run']): SandboxTool {
  return { declaration: toolDeclaration(name, options), run };
}

/** The fields of a provider that vary. */
export interface ProviderOptions {
  readonly label: string;
  readonly description: string;
  readonly author?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly credentialFields?: readonly string[] | undefined;
  readonly tools: readonly SandboxTool[];
}

/**
 * A provider of type `builtin`: a bare name is one of Dify's hard-coded providers,
 * `organisation/plugin/provider` is a plugin's.
 */
export function builtinProvider(id: string, options: ProviderOptions): SandboxProvider {
  const author = options.author ?? id.split('/')[0] ?? id;
  const tools = options.tools.map((tool) => ({
    ...tool,
    declaration: {
      ...tool.declaration,
      author: tool.declaration.author || author,
      labels: options.labels ?? [],
    },
  }));
  return {
    type: 'builtin',
    id,
    name: id,
    author,
    label: localized(options.label),
    description: localized(options.description),
    labels: options.labels ?? [],
    credentialFields: options.credentialFields ?? [],
    extra: {},
    tools,
  };
}

/** Returns true for a plugin's provider, as opposed to a hard-coded one. */
export function isPlugin(provider: SandboxProvider): boolean {
  return provider.type === 'builtin' && provider.id.includes('/');
}
