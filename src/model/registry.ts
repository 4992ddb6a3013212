import type { ResultLimits } from './content.ts';
import type { Problem } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { CatalogListing, FormParameter } from './ports.ts';
import type { ProviderType, ToolRef } from './tool.ts';

export interface FileParameter {
  /** The parameter's name in Dify. */
  readonly name: string;
  /** Why Dify cannot take a file here, as a sentence. A call that passes one is rejected before anything is sent. */
  readonly refused?: string | undefined;
}

/** The ways in which a caller may pass a file, as members of a FileArgument. */
export type FileSource = 'url' | 'data' | 'resource' | 'path';

/** A file in the arguments of a call. Exactly one of `url`, `data`, `resource` and `path` is present. */
export interface FileArgument {
  /** A web address, which the bridge fetches. */
  readonly url?: string;
  /** Base64. */
  readonly data?: string;
  /** The URI of a file that the bridge stores. */
  readonly resource?: string;
  /** An absolute path on the bridge's machine. */
  readonly path?: string;
  /** Required with `data`. Otherwise it overrides the source's own name. */
  readonly filename?: string;
  readonly mime_type?: string;
}

/** Valid arguments as Dify's parameters, or all problems with them. */
export type ParsedArguments =
  | {
      readonly ok: true;
      /** By Dify's parameter names, with presets. Values of `fileParameters` are still FileArguments. */
      readonly parameters: JsonObject;
      /** Given arguments that the tool does not have and that resemble none of its own: not sent. */
      readonly ignored?: readonly string[] | undefined;
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

/** A tool of Dify as MCP clients see it, with the facts that a call needs. */
export interface PublishedTool extends ListedTool {
  readonly ref: ToolRef;
  readonly providerLabel: string;
  /** Texts that are not published, for searching: those in other languages, and overridden ones. */
  readonly otherTexts?: Readonly<Record<'title' | 'provider' | 'description', readonly string[]>> | undefined;
  /** False if Dify has no credentials for the provider and will refuse the call. */
  readonly authorized: boolean;
  readonly credentialId?: string | undefined;
  readonly forms?: readonly FormParameter[] | undefined;
  readonly fileParameters: readonly FileParameter[];
  /** Limits of this tool's results that override those of the view. */
  readonly results?: Partial<ResultLimits> | undefined;
  /** Checks and coerces the arguments of a call, with the definition that `inputSchema` publishes. */
  parseArguments(args: unknown): ParsedArguments;
}

/** A tool of Dify that the registry does not publish. */
export interface WithheldTool {
  /** The name that it would have. */
  readonly name: string;
  readonly title: string;
  readonly ref: ToolRef;
  /** `incomplete`: a required parameter has no value. `hidden`: a rule hides it. `invalid`: MCP cannot express it. */
  readonly reason: 'incomplete' | 'hidden' | 'invalid';
  /** The rule or parameter that withholds the tool, and what would publish it. */
  readonly detail: string;
}

/** A note for the operator about a published tool, such as a name clash or an omitted parameter. */
export interface RegistryNote {
  readonly name: string;
  readonly message: string;
  /** The setting that causes the problem, such as `tools.presets.web__search`; absent if none does. */
  readonly setting?: string;
}

/** What was decided about a tool, and by what, as lines for a person. */
export interface Explanation {
  /** What the rules said, in their order. */
  readonly rules: readonly string[];
  /** The presets that fit it, and where the value of each parameter comes from. */
  readonly details: () => readonly string[];
}

/** The answer to tools/list. Immutable: a change makes a new list. */
export interface ToolList {
  /** Sorted by name, in code-point order. */
  readonly tools: readonly ListedTool[];
  /** Equal for two lists if and only if clients see no difference between them. */
  readonly fingerprint: string;
}

/** The tools of a catalogue that are published. */
export interface Registry extends ToolList {
  readonly tools: readonly PublishedTool[];
  readonly withheld: readonly WithheldTool[];
  readonly notes: readonly RegistryNote[];
  readonly explanations: ReadonlyMap<PublishedTool | WithheldTool, Explanation>;
  get(name: string): PublishedTool | undefined;
}

export interface SnapshotSource<T> {
  /** Returns the current snapshot; undefined until the first load has succeeded. */
  current(): T | undefined;
  /** Resolves with the first snapshot, or the current one. Rejects with `catalog_unavailable` after a time limit. */
  ready(signal?: AbortSignal): Promise<T>;
  /** Calls back after each change that clients can see. Returns the function that removes the listener. */
  onChange(listener: (snapshot: T) => void): () => void;
}

export type RegistrySource = SnapshotSource<Registry>;

/** The tool list of one view: its registry, or in mode `search` the search tools. */
export type ToolListSource = SnapshotSource<ToolList>;

/** A part of the catalogue whose last refresh failed, so that its previous listing is served. */
export interface StalePart {
  readonly providerType: ProviderType;
  /** Absent if all providers of the type are stale. */
  readonly providerId?: string | undefined;
  /** The time of the listing that is served. */
  readonly since: Date;
  readonly message: string;
}

/** State of the catalogue, for `doctor`, readiness and the log. */
export interface CatalogStatus {
  readonly listing: CatalogListing | undefined;
  readonly loadedAt: Date | undefined;
  /** Why the last attempt failed; undefined if it succeeded. */
  readonly lastError: string | undefined;
  /** Sorted by type, then provider. */
  readonly stale: readonly StalePart[];
}
