import type { ResultLimits } from './content.ts';
import type { Problem } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { CatalogListing } from './ports.ts';
import type { ProviderType, ToolRef } from './tool.ts';

/** A parameter that takes a file, by its name in Dify. */
export interface FileParameter {
  readonly name: string;
  /** True for a list of files. */
  readonly many: boolean;
  /** Why Dify cannot take a file here, as a sentence: a call that gives one is refused before anything is sent. */
  readonly refused?: string | undefined;
}

/** The ways in which a caller may hand over a file, as members of a FileArgument. */
export type FileSource = 'url' | 'data' | 'resource' | 'path';

/** A file as a caller hands it over in the arguments: exactly one of `url`, `data`, `resource` and `path`. */
export interface FileArgument {
  /** A web address, which the bridge fetches. */
  readonly url?: string;
  /** Base64. */
  readonly data?: string;
  /** The URI of a file that the bridge keeps. */
  readonly resource?: string;
  /** An absolute path on the bridge's machine. */
  readonly path?: string;
  /** Needed with `data`; otherwise the source's own name is taken unless this is given. */
  readonly filename?: string;
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

/** A tool as MCP clients see it. */
export interface ListedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly outputSchema?: JsonObject | undefined;
  readonly annotations: JsonObject;
}

/** A tool of Dify as MCP clients see it, with what a call of it needs. */
export interface PublishedTool extends ListedTool {
  readonly ref: ToolRef;
  /** The provider's label, for messages. */
  readonly providerLabel: string;
  /** Labels of the tool and of its provider that are not published, for searching: in other languages, or overridden. */
  readonly otherLabels?:
    | { readonly tool: readonly string[]; readonly provider: readonly string[] }
    | undefined;
  /** False: Dify has no credentials for the provider and will refuse the call. */
  readonly authorized: boolean;
  readonly credentialId?: string | undefined;
  readonly fileParameters: readonly FileParameter[];
  /** What its results carry, where the operator decided otherwise than for the view. */
  readonly results?: Partial<ResultLimits> | undefined;
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
  /** The setting that is at fault, such as `tools.presets.web__search`; absent where none is. */
  readonly setting?: string;
}

/** What was decided about a tool, and by what, as lines for a person. */
export interface Explanation {
  /** What the rules said, in their order. */
  readonly rules: readonly string[];
  /** The presets that fit it, and where the value of each parameter comes from. */
  readonly details: () => readonly string[];
}

/** What tools/list answers: immutable, replaced when it changes. */
export interface ToolList {
  /** In code-point order of the name. */
  readonly tools: readonly ListedTool[];
  /** Equal for two lists exactly when what clients see is equal. */
  readonly fingerprint: string;
}

/** What is exposed of a catalogue. */
export interface Registry extends ToolList {
  readonly tools: readonly PublishedTool[];
  readonly withheld: readonly WithheldTool[];
  readonly notes: readonly RegistryNote[];
  readonly explanations: ReadonlyMap<PublishedTool | WithheldTool, Explanation>;
  get(name: string): PublishedTool | undefined;
}

/** Where the present snapshot is read from. */
export interface SnapshotSource<T> {
  /** The present snapshot; undefined until the first load succeeded. */
  current(): T | undefined;
  /** The present snapshot as soon as there is one. Rejects with `catalog_unavailable` when the wait is over. */
  ready(signal?: AbortSignal): Promise<T>;
  /** Calls back after each change of what clients see. Answers the function that ends it. */
  onChange(listener: (snapshot: T) => void): () => void;
}

/** The registry of one view. */
export type RegistrySource = SnapshotSource<Registry>;

/** What the protocol side lists: a registry, or the list that replaces it in mode `search`. */
export type ToolListSource = SnapshotSource<ToolList>;

/** A part of the catalogue that could not be listed again and is served as it was. */
export interface StalePart {
  readonly providerType: ProviderType;
  /** Absent when it is all providers of the type. */
  readonly providerId?: string | undefined;
  /** The last listing that had it: what is served is as old as that. */
  readonly since: Date;
  /** Why there is no newer one. */
  readonly message: string;
}

/** State of the catalogue, for `doctor`, readiness and the log. */
export interface CatalogStatus {
  readonly listing: CatalogListing | undefined;
  readonly loadedAt: Date | undefined;
  /** Why the last attempt failed; undefined when it succeeded. */
  readonly lastError: string | undefined;
  /** By type, then provider. */
  readonly stale: readonly StalePart[];
}
