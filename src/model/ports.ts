import type { JsonObject } from './json.ts';
import type { FileReference, ToolInvokeMessage } from './message.ts';
import type { ProviderType, ToolProvider, ToolRef } from './tool.ts';

/** Something that went wrong while listing, without taking the list down. */
export interface CatalogProblem {
  readonly providerType: ProviderType;
  /** Absent when the whole list of that type failed. */
  readonly providerId?: string;
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
  /** By provider id, for builtin providers that were asked for them. */
  readonly credentials?: ReadonlyMap<string, readonly ProviderCredential[]>;
}

/** Where tools come from. Rejects with a BridgeError only when nothing at all could be listed. */
export interface CatalogSource {
  list(signal: AbortSignal): Promise<CatalogListing>;
}

/** How one invocation is made. */
export interface InvokeOptions {
  /** `user_id` on the wire; `""` is Dify's anonymous end user. */
  readonly userId: string;
  readonly credentialId?: string;
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

/** Bytes of a result file, or why there are none. */
export type FetchedFile =
  | {
      readonly kind: 'bytes';
      readonly bytes: Uint8Array;
      /** Content-Type as the server sent it, without parameters. */
      readonly mimeType?: string;
    }
  | { readonly kind: 'too-large'; readonly size?: number; readonly mimeType?: string }
  /** The address belongs to somebody else than Dify: the bridge does not fetch it. */
  | { readonly kind: 'external' }
  /** Dify's link is unsigned and no signing key is configured, or Dify refused; `reason` is for a person. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Turns a link of a message into bytes. Never throws but for an aborted signal. */
export interface FileFetcher {
  fetch(file: FileReference, maxBytes: number, signal: AbortSignal): Promise<FetchedFile>;
}

/** A file that a caller hands over as an argument. */
export interface FileUpload {
  readonly filename: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

/** Stores a file in Dify and answers the object that every tool kind takes as an argument. */
export interface FileUploader {
  upload(file: FileUpload, signal: AbortSignal): Promise<JsonObject>;
}
