import type { Problem } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { CatalogListing } from './ports.ts';
import type { ToolRef } from './tool.ts';

/** A parameter that takes a file, by its name in Dify. */
export interface FileParameter {
  readonly name: string;
  /** True for a list of files. */
  readonly many: boolean;
}

/** A file as a caller hands it over in the arguments. */
export interface FileArgument {
  /** Base64. */
  readonly data: string;
  readonly filename: string;
  readonly mime_type?: string;
}

/** Arguments that passed, as Dify's parameters, or everything that is wrong with them. */
export type ParsedArguments =
  | {
      readonly ok: true;
      /**
       * Under Dify's parameter names, presets included, absent values left out. Values of `fileParameters`
       * are FileArgument or FileArgument[] still.
       */
      readonly parameters: JsonObject;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** A tool as MCP clients see it, with what a call of it needs. */
export interface PublishedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema?: JsonObject;
  readonly annotations: JsonObject;
  readonly ref: ToolRef;
  /** The provider's label, for messages. */
  readonly providerLabel: string;
  /** False: Dify has no credentials for the provider and will refuse the call. */
  readonly authorized: boolean;
  readonly credentialId?: string;
  readonly fileParameters: readonly FileParameter[];
  /** Checks and coerces the arguments of a call with the very definition that `inputSchema` publishes. */
  parseArguments(args: unknown): ParsedArguments;
}

/** A tool that Dify has and the registry does not publish. */
export interface WithheldTool {
  /** The name it would have. */
  readonly name: string;
  readonly title: string;
  readonly ref: ToolRef;
  /** `incomplete`: a required parameter has no value. `hidden`: a rule. `invalid`: cannot be expressed. */
  readonly reason: 'incomplete' | 'hidden' | 'invalid';
  /** Which rule or parameter, and what would publish it. */
  readonly detail: string;
}

/** Something about a published tool that an operator should know: a name clash, a left-out parameter. */
export interface RegistryNote {
  readonly name: string;
  readonly message: string;
}

/** What is exposed: immutable, made anew when the catalogue changes. */
export interface Registry {
  /** In code-point order of the name. */
  readonly tools: readonly PublishedTool[];
  readonly withheld: readonly WithheldTool[];
  readonly notes: readonly RegistryNote[];
  /** Equal for two registries exactly when what clients see is equal. */
  readonly fingerprint: string;
  get(name: string): PublishedTool | undefined;
}

/** What the protocol side reads the registry from. */
export interface RegistrySource {
  /** The present snapshot; undefined until the first load succeeded. */
  current(): Registry | undefined;
  /** The present snapshot as soon as there is one. Rejects with `catalog_unavailable` when the wait is over. */
  ready(signal?: AbortSignal): Promise<Registry>;
  /** Calls back after each change of what clients see. Answers the function that ends it. */
  onChange(listener: (registry: Registry) => void): () => void;
}

/** State of the catalogue, for `doctor`, readiness and the log. */
export interface CatalogStatus {
  readonly listing: CatalogListing | undefined;
  readonly loadedAt: Date | undefined;
  /** Why the last attempt failed; undefined when it succeeded. */
  readonly lastError: string | undefined;
}
