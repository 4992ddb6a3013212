import type { JsonObject } from './json.ts';
import type { FileReference, ToolInvokeMessage } from './message.ts';
import type { ProviderType, ToolProvider, ToolRef } from './tool.ts';

/** Something that went wrong while listing, without taking the list down. */
export interface CatalogProblem {
  readonly providerType: ProviderType;
  /** Absent when the whole list of that type failed. */
  readonly providerId?: string | undefined;
  /** One sentence for a person: what failed and why. */
  readonly message: string;
}

/** One of the credentials that a workspace has for a provider. */
export interface ProviderCredential {
  readonly id: string;
  /** As people see it in Dify. */
  readonly name: string;
  /** Dify takes this one where a call names none. */
  readonly isDefault: boolean;
}

/** What a source found. Providers whose tools could not be read are left out and named in `problems`. */
export interface CatalogListing {
  readonly providers: readonly ToolProvider[];
  readonly problems: readonly CatalogProblem[];
  /** What is known at present of providers whose tools could not be read: all but the tools. */
  readonly unlisted?: readonly ToolProvider[] | undefined;
  /** By provider id, for builtin providers that were asked for them. */
  readonly credentials?: ReadonlyMap<string, readonly ProviderCredential[]> | undefined;
}

/** Where tools come from. Rejects with a BridgeError only when nothing at all could be listed. */
export interface CatalogSource {
  list(signal: AbortSignal): Promise<CatalogListing>;
}

/** How one invocation is made. */
export interface InvokeOptions {
  /** `user_id` on the wire; `""` is Dify's anonymous end user. */
  readonly userId: string;
  readonly credentialId?: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Invokes a tool once: never retried. The stream ends when the tool has finished.
 * It throws a BridgeError when Dify refuses the call, when the tool fails (`tool_failed`, after whatever
 * messages came before) or when the stream breaks. Aborting the signal closes the request.
 */
export interface Invoker {
  invoke(ref: ToolRef, parameters: JsonObject, options: InvokeOptions): AsyncIterable<ToolInvokeMessage>;
}

/** A result file that can be read, or why it cannot. */
export type OpenedFile =
  | {
      readonly kind: 'open';
      /** To be read to its end or discarded. */
      readonly body: AsyncIterable<Uint8Array>;
      /** Content-Type as the server sent it, without parameters. */
      readonly mimeType?: string | undefined;
      /** Bytes, where the server says so. */
      readonly size?: number | undefined;
      /** Closes the connection without reading further. */
      discard(): Promise<void>;
    }
  /** The address belongs to somebody else than Dify: the bridge does not fetch it. */
  | { readonly kind: 'external' }
  /** Dify's link is unsigned and no signing key is configured, or Dify refused; `reason` is for a person. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Turns a link of a message into a stream of bytes. Never throws but for an aborted signal. */
export interface FileOpener {
  open(file: FileReference, signal: AbortSignal): Promise<OpenedFile>;
}

/** A file on its way into Dify. */
export interface FileUpload {
  readonly filename: string;
  readonly mimeType: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes from the beginning, each time it is called: an upload whose address had expired is sent once more. */
  read(): AsyncIterable<Uint8Array>;
}

/** Hands files to Dify as the object that every tool kind takes as an argument. */
export interface FileUploader {
  /** Stores the file. */
  upload(file: FileUpload, signal: AbortSignal): Promise<JsonObject>;
  /** Leaves it to Dify and the tool to fetch the file from its web address. */
  refer(file: FileAddress): JsonObject;
}

/** A file that is not fetched here: what its address says of it. */
export interface FileAddress {
  readonly url: string;
  readonly filename: string;
  readonly mimeType: string;
}

/** A file at hand until it is disposed of. */
export interface InputFile {
  /** As its source calls it; may be empty. */
  readonly filename: string;
  /** As its source says, without parameters. */
  readonly mimeType?: string | undefined;
  /** Bytes. */
  readonly size: number;
  /** The bytes from the beginning, each time it is called. */
  read(): AsyncIterable<Uint8Array>;
  /** Gives up what holds it. Never rejects. */
  dispose(): Promise<void>;
}

/** How much of a file is taken, and for how long it is waited for. */
export interface FetchLimits {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** Files on the web. */
export interface RemoteFiles {
  /**
   * The file at an address, fetched to its end. Rejects with `file_refused` or `file_too_large`, and with the
   * signal's reason.
   */
  fetch(url: string, limits: FetchLimits): Promise<InputFile>;
}
