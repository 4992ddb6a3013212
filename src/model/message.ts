import type { Json, JsonObject } from './json.ts';

/** The `dify_model_identity` of a file as an object, in the outputs and the parameters of a Dify tool. */
export const FILE_MARKER = '__dify__file__';

/**
 * A file that a message refers to. `url` is what Dify sent: a relative unsigned path
 * (`/files/tools/<uuid>.<ext>`), an absolute address, or, from workflow outputs, a signed one.
 */
export interface FileReference {
  readonly url?: string | undefined;
  /** ID of Dify's ToolFile or UploadFile, if known. */
  readonly id?: string | undefined;
  readonly transferMethod?: string | undefined;
  readonly filename?: string | undefined;
  /** True for a name by the bridge, which the extension of the file's type completes. */
  readonly lacksExtension?: boolean | undefined;
  readonly mimeType?: string | undefined;
  /** Bytes, if Dify sends the size. */
  readonly size?: number | undefined;
  /** True for a link that the tool wrote into a text or value. Only its own signature may open it. */
  readonly isLink?: boolean | undefined;
}

/** Status of one step that a tool reports while it runs. */
export interface LogEntry {
  readonly label: string;
  /** `start`, `success` or `error`. Other values are passed on. */
  readonly status: string;
  readonly error?: string | undefined;
  readonly metadata: JsonObject;
}

/** One source that a retrieval used. */
export interface RetrieverResource {
  readonly content: string;
  readonly datasetName?: string | undefined;
  readonly documentName?: string | undefined;
  readonly title?: string | undefined;
}

/** One message of a tool, after Dify has replaced `blob`, `blob_chunk` and `image` with links to stored files. */
export type ToolInvokeMessage =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'json'; readonly value: Json }
  | { readonly type: 'variable'; readonly name: string; readonly value: Json; readonly stream: boolean }
  | { readonly type: 'link'; readonly url: string }
  /** `image_link`, `binary_link`, a `link` that carries a file, or `file`. */
  | { readonly type: 'file'; readonly file: FileReference }
  | { readonly type: 'log'; readonly log: LogEntry }
  /** A piece of the text that the tool is writing. Its outputs follow at its end. */
  | { readonly type: 'progress'; readonly text: string }
  | {
      readonly type: 'retriever_resources';
      readonly context: string;
      readonly resources: readonly RetrieverResource[];
    }
  /** A type that this version does not know, or a known type with an unexpected body. */
  | { readonly type: 'unknown'; readonly wireType: string; readonly raw: Json };
