import type { Json, JsonObject } from './json.ts';
import type { MemoryLease } from './memory-budget.ts';
import type { FileReference, ToolInvokeMessage } from './message.ts';
import type { ProviderType, ToolProvider, ToolRef } from './tool.ts';

/** A failure to list a part of the catalogue. The other parts are listed. */
export interface CatalogProblem {
  readonly providerType: ProviderType;
  /** Absent if the whole list of that type failed. */
  readonly providerId?: string | undefined;
  /** One sentence for a person: what failed and why. */
  readonly message: string;
}

export interface ProviderCredential {
  readonly id: string;
  /** The name in Dify's user interface. */
  readonly name: string;
  /** Who may use it: `all_team_members`, `only_me`, `partial_members`. Absent before Dify 1.15, where all may. */
  readonly visibility?: string | undefined;
}

/** The credentials that Dify shows the account of the bridge: not those that are private to another member. */
export interface CredentialListing {
  /** False if the provider needs none. */
  readonly needed: boolean;
  /** The first is the one that Dify uses by default, as far as the account can see. */
  readonly credentials: readonly ProviderCredential[];
}

/** The result of listing a catalogue. Providers whose tools could not be read are omitted and named in `problems`. */
export interface CatalogListing {
  readonly providers: readonly ToolProvider[];
  readonly problems: readonly CatalogProblem[];
  /** The current facts, except for the tools, of providers whose tools could not be read. */
  readonly unlisted?: readonly ToolProvider[] | undefined;
  /** The credentials by provider ID, of the builtin providers for which they were requested. */
  readonly credentials?: ReadonlyMap<string, readonly ProviderCredential[]> | undefined;
}

/** The source of tools. `list` rejects with a BridgeError only if nothing at all could be listed. */
export interface CatalogSource {
  list(signal: AbortSignal): Promise<CatalogListing>;
}

export interface InvokeOptions {
  /** `user_id` on the wire; `""` is Dify's anonymous end user. */
  readonly userId: string;
  readonly credentialId?: string | undefined;
  /** The provider's name for a person, which errors use. Default: its ID. */
  readonly providerLabel?: string | undefined;
  readonly forms?: readonly FormParameter[] | undefined;
  readonly signal: AbortSignal;
  /** Receives the memory of the messages; unlimited when absent. */
  readonly memory?: MemoryLease | undefined;
  readonly exchange?: CallExchange | undefined;
}

/** W3C Trace Context, in the form in which headers carry it. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

/** What a call adds to the request that runs its tool. */
export interface CallExchange {
  /** The span of the call, which Dify's spans continue. */
  readonly trace?: TraceContext | undefined;
  /** Receives the size of each part of the answer. */
  received(bytes: number): void;
}

/** A parameter that the operator sets. */
export interface FormParameter {
  readonly name: string;
  /** Absent if Dify declares none. */
  readonly default?: Json | undefined;
}

/**
 * Invokes a tool once and never retries. The stream ends when the tool has finished. It throws a BridgeError if Dify
 * refuses the call, if the tool fails (`tool_failed`, after the messages sent before) or if the stream breaks. Aborting
 * the signal closes the request.
 */
export interface Invoker {
  /** Whether the end of a request stops the workflow in Dify. Default: false. */
  readonly stopsWorkflows?: boolean | undefined;
  invoke(ref: ToolRef, parameters: JsonObject, options: InvokeOptions): AsyncIterable<ToolInvokeMessage>;
}

/** A result file, or the reason why it cannot be read. */
export type OpenedFile =
  | {
      readonly kind: 'open';
      /** The reader must read this to its end or call `discard`. */
      readonly body: AsyncIterable<Uint8Array>;
      /** Content-Type as the server sent it, without parameters. */
      readonly mimeType?: string | undefined;
      /** Bytes, if the server sends the size. */
      readonly size?: number | undefined;
      /** Closes the connection without reading the rest. */
      discard(): Promise<void>;
    }
  /** The address is not Dify's, so the bridge does not fetch it. */
  | { readonly kind: 'external' }
  /** Dify's link is unsigned and no signing key is configured, or Dify refused. `reason` is for a person. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Opens the file of a message's link. Rejects only if the signal is aborted. */
export interface FileOpener {
  /** Whether a whole text looks like a signed link to a file of Dify. The file is fetched from this Dify only. */
  isSignedLink(text: string): boolean;
  open(file: FileReference, signal: AbortSignal): Promise<OpenedFile>;
}

/** Maps principals to end users of Dify. */
export interface EndUsers {
  /** Resolves with the ID of a principal's end user, always the same one. Rejects as a call does. */
  idOf(principal: string, signal: AbortSignal): Promise<string>;
}

/** The end users that were created, each by a UUID made from its principal. Never rejects. */
export interface EndUserRecords {
  get(session: string): Promise<string | undefined>;
  /** Records an ID, in place of `replaced`. Resolves with the one to use, which may be another replica's. */
  put(session: string, id: string, replaced: string | undefined): Promise<string>;
}

export interface FileUpload {
  readonly filename: string;
  readonly mimeType: string;
  /** Bytes. */
  readonly size: number;
  /** Returns the bytes from the beginning at each call, because an upload whose address had expired is sent again. */
  read(): AsyncIterable<Uint8Array>;
}

/** Passes files to Dify, as the object that all kinds of tools accept as an argument. */
export interface FileUploader {
  /** Uploads the file as an end user, Dify's anonymous one by default. Resolves with the argument for it. */
  upload(file: FileUpload, signal: AbortSignal, userId?: string): Promise<JsonObject>;
  /** Returns an argument with which Dify or the tool fetches the file from its web address. */
  refer(file: FileAddress): JsonObject;
}

/** A file that the bridge does not fetch, with the facts that its address shows. */
export interface FileAddress {
  readonly url: string;
  readonly filename: string;
  readonly mimeType: string;
}

/** A file that can be read until `dispose` is called. */
export interface InputFile {
  /** The name from the source. May be empty. */
  readonly filename: string;
  /** The type from the source, without parameters. */
  readonly mimeType?: string | undefined;
  /** Bytes. */
  readonly size: number;
  /** Returns the bytes from the beginning at each call. */
  read(): AsyncIterable<Uint8Array>;
  /** Releases the file's resources. Never rejects. */
  dispose(): Promise<void>;
}

export interface FetchLimits {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface RemoteFiles {
  /** Fetches a whole file. Rejects with `file_refused`, `file_too_large` or the signal's reason. */
  fetch(url: string, limits: FetchLimits): Promise<InputFile>;
}

/** The part of a Redis client that counts. */
export interface RateStore {
  /** Runs a script. Rejects if Redis does not answer. */
  eval(script: string, options: { readonly keys: string[]; readonly arguments: string[] }): Promise<unknown>;
}
