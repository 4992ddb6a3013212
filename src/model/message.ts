import type { Json, JsonObject } from './json.ts';

/**
 * A file that a message points at. `url` is what Dify sent: a relative unsigned path
 * (`/files/tools/<uuid>.<ext>`), an absolute address, or, from workflow outputs, a signed one.
 */
export interface FileReference {
  readonly url?: string | undefined;
  /** Id of Dify's ToolFile or UploadFile, where known. */
  readonly id?: string | undefined;
  readonly transferMethod?: string | undefined;
  readonly filename?: string | undefined;
  readonly mimeType?: string | undefined;
  /** Bytes, where Dify says so. */
  readonly size?: number | undefined;
}

/** Status of one step that a tool reports while it runs. */
export interface LogEntry {
  readonly id: string;
  readonly parentId?: string | undefined;
  readonly label: string;
  /** `start`, `success` or `error`; other values are kept. */
  readonly status: string;
  readonly error?: string | undefined;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
}

/** One source that a retrieval used. All of Dify's fields are kept in `raw`. */
export interface RetrieverResource {
  readonly content: string;
  readonly datasetName?: string | undefined;
  readonly documentName?: string | undefined;
  readonly title?: string | undefined;
  readonly raw: JsonObject;
}

/**
 * One message of the stream that answers an invocation, as it leaves Dify's inner API
 * (there, `blob`, `blob_chunk` and `image` have become links to stored files).
 */
export type ToolInvokeMessage =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'json'; readonly value: Json; readonly suppressOutput: boolean }
  | { readonly type: 'variable'; readonly name: string; readonly value: Json; readonly stream: boolean }
  | { readonly type: 'link'; readonly url: string }
  /** `image_link`, `binary_link`, a `link` that carries a file, or `file`; `wireType` says which. */
  | { readonly type: 'file'; readonly wireType: string; readonly file: FileReference }
  | { readonly type: 'log'; readonly log: LogEntry }
  | {
      readonly type: 'retriever_resources';
      readonly context: string;
      readonly resources: readonly RetrieverResource[];
    }
  /** A type this version does not know, or a known one whose body is not as expected. */
  | { readonly type: 'unknown'; readonly wireType: string; readonly raw: Json };
