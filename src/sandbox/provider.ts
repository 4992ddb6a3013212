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
  readonly workspace: SandboxWorkspace;
  /** The credential of the call; absent for a provider that needs none. */
  readonly credential?: StoredCredential | undefined;
}

/** Who may use stored credentials; by default all members. */
export interface CredentialAccess {
  readonly visibility?: CredentialVisibility;
  /** Stored by another member, for itself alone. */
  readonly isForeign?: boolean;
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

/** The sandbox's workspace, which tests can change while it runs. */
export interface SandboxWorkspace {
  /** The id, which an invocation sends as `tenant_id`. */
  readonly id: string;
  readonly name: string;
  readonly providers: readonly SandboxProvider[];
  /** Adds a provider, or replaces the one with the same type and id. */
  addProvider(provider: SandboxProvider): void;
  removeProvider(type: ProviderType, id: string): void;
  /** Adds a tool to a provider, or replaces the one with the same name. */
  putTool(type: ProviderType, providerId: string, tool: SandboxTool): void;
  removeTool(type: ProviderType, providerId: string, name: string): void;
  /** Renames a tool in its place, as a plugin update may. */
  renameTool(type: ProviderType, providerId: string, name: string, newName: string): void;
  /**
   * Stores credentials for a provider and returns their id. The first ones are the provider's default.
   */
  authorize(providerId: string, name?: string, access?: CredentialAccess): string;
  /** Renames stored credentials. */
  renameCredential(id: string, name: string): void;
  /** Removes all credentials of a provider. */
  revoke(providerId: string): void;
  /** Makes the whole list of one type answer 400, as if the plugin daemon were down. */
  breakListing(type: ProviderType): void;
  /** Makes one builtin provider fail: its own route, and with it all of `tools/builtin`. */
  breakProvider(id: string): void;
  /**
   * Gives a plugin a declaration that Dify cannot read, such as one for a newer Dify. Its provider's
   * routes and calls fail, and both lists of builtin providers; the list of plugins still works.
   */
  breakDeclaration(id: string): void;
  /** Undoes `breakListing`, `breakProvider` and `breakDeclaration`. */
  repair(): void;
  /** Delays every answer, in milliseconds. */
  setDelay(milliseconds: number): void;
  /** End users that invocations have created so far. */
  readonly endUserCount: number;
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
