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
}

/** What a running tool may use. */
export interface ToolRun {
  /** Aborted when the caller closes the connection. */
  readonly signal: AbortSignal;
  readonly files: SandboxFiles;
  readonly features: Features;
  readonly workspace: SandboxWorkspace;
  /** What the tool is authorised with; absent for a provider that needs nothing. */
  readonly credential?: StoredCredential | undefined;
}

/** A tool: what the console lists, and what it does. It fails by throwing a ToolFailure. */
export interface SandboxTool {
  readonly declaration: ToolDeclaration;
  run(parameters: JsonObject, run: ToolRun): AsyncIterable<SandboxMessage>;
}

/** A provider: the fields of the console's listing that do not follow from anything else, and its tools. */
export interface SandboxProvider {
  readonly type: ProviderType;
  /** What an invocation names. */
  readonly id: string;
  /** `id` in the list of providers, where it is another one: for MCP servers. */
  readonly databaseId?: string | undefined;
  readonly name: string;
  readonly author: string;
  readonly label: ConsoleText;
  readonly description: ConsoleText;
  readonly labels: readonly string[];
  /** Absent for plugins and hard-coded providers, whose icon is an address. */
  readonly icon?: JsonObject | undefined;
  /** Credentials that the provider needs; none needed when empty. */
  readonly credentialFields: readonly string[];
  /** Fields of the listing that only this type has. */
  readonly extra: Readonly<Record<string, Json>>;
  readonly tools: readonly SandboxTool[];
}

/** The workspace that the sandbox serves, to be changed while it runs. */
export interface SandboxWorkspace {
  /** Its id, which an invocation names as `tenant_id`. */
  readonly id: string;
  readonly name: string;
  readonly providers: readonly SandboxProvider[];
  /** Adds a provider, or replaces the one with the same type and id. */
  addProvider(provider: SandboxProvider): void;
  removeProvider(type: ProviderType, id: string): void;
  /** Adds a tool to a provider, or replaces the one of the same name. */
  putTool(type: ProviderType, providerId: string, tool: SandboxTool): void;
  removeTool(type: ProviderType, providerId: string, name: string): void;
  /** Gives a tool another name in its place, as an update of a plugin may. */
  renameTool(type: ProviderType, providerId: string, name: string, newName: string): void;
  /** Stores credentials for a provider and answers their id; the first of a provider is its default. */
  authorize(providerId: string, name?: string): string;
  /** Gives stored credentials another name. */
  renameCredential(id: string, name: string): void;
  /** Takes all credentials of a provider away. */
  revoke(providerId: string): void;
  /** Makes the whole list of one type answer 400, as with a plugin daemon that is down. */
  breakListing(type: ProviderType): void;
  /** Makes one builtin provider fail: its own route, and with it the whole `tools/builtin`. */
  breakProvider(id: string): void;
  /**
   * Gives a plugin a declaration that Dify cannot read, as one made for a newer Dify: its provider's own routes and its
   * calls fail, and with it both lists of builtin providers. The list of plugins does not.
   */
  breakDeclaration(id: string): void;
  /** Ends what the methods before it began. */
  repair(): void;
  /** Delays every answer, in milliseconds. */
  setDelay(milliseconds: number): void;
  /** End users that invocations have created so far. */
  readonly endUserCount: number;
}

/** A tool in one expression. */
export function defineTool(name: string, options: ToolOptions, run: SandboxTool['run']): SandboxTool {
  return { declaration: toolDeclaration(name, options), run };
}

/** The parts of a provider that differ from one to the next. */
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

/** True for a provider that a plugin brought, as opposed to a hard-coded one. */
export function isPlugin(provider: SandboxProvider): boolean {
  return provider.type === 'builtin' && provider.id.includes('/');
}
