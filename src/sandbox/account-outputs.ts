import type { Json, JsonObject } from '../model/json.ts';
import type { StoredFile } from './files.ts';
import type { SandboxMessage } from './messages.ts';
import { textOf } from './parameter-values.ts';
import { internalError } from './refusal.ts';
import type { SandboxState } from './state.ts';

/** Collects a tool's messages as the outputs of its node. Log messages get lost, as in Dify. */
export class NodeOutputs {
  readonly #state: SandboxState;
  readonly #files: StoredFile[] = [];
  readonly #json: Json[] = [];
  readonly #variables: Record<string, Json> = {};
  #text = '';

  constructor(state: SandboxState) {
    this.#state = state;
  }

  add(message: SandboxMessage): void {
    if ('bytes' in message) {
      const { mime_type: mimeType, filename } = message.meta;
      this.#files.push(this.#state.files.put(message.bytes, { mimeType, filename }));
      return;
    }
    const { type, message: body } = message;
    if (type === 'text') this.#text += textOf(body, 'text');
    else if (type === 'json') this.#addJson(body['json_object']);
    else if (type === 'variable') this.#addVariable(body);
    else if (type === 'link' || type === 'image_link' || type === 'binary_link' || type === 'file') {
      this.#addLink(type, textOf(body, 'text'));
    }
  }

  toJson(): JsonObject {
    return {
      text: this.#text,
      files: this.#files.map((file) => this.#fileView(file)),
      json: this.#json.length === 0 ? [{ data: [] }] : this.#json,
      ...this.#variables,
    };
  }

  #addJson(value: Json | undefined): void {
    const isEmpty = typeof value !== 'object' || value === null || Object.keys(value).length === 0;
    if (!isEmpty) this.#json.push(value);
  }

  #addVariable({ variable_name: name, variable_value: value = null, stream }: JsonObject): void {
    if (typeof name !== 'string') return;
    const before = this.#variables[name];
    const isPiece = stream === true && typeof before === 'string' && typeof value === 'string';
    this.#variables[name] = isPiece ? before + value : value;
  }

  #addLink(type: string, url: string): void {
    const [, id = ''] = /\/files\/tools\/([0-9a-f-]{36})/.exec(url) ?? [];
    const file = this.#state.files.get(id);
    if (file !== undefined) this.#files.push(file);
    else if (type === 'link' && !this.#state.features.nodeLinks) throw internalError();
    if (type === 'link') this.#text += `${file === undefined ? 'Link' : 'File'}: ${url}\n`;
  }

  #fileView(file: StoredFile): JsonObject {
    return {
      dify_model_identity: '__dify__file__',
      extension: file.extension,
      filename: file.filename,
      id: null,
      mime_type: file.mimeType,
      ...(this.#state.features.fileReferences
        ? { reference: file.reference }
        : { tenant_id: this.#state.workspace.id }),
      related_id: file.id,
      remote_url: null,
      size: file.size,
      transfer_method: 'tool_file',
      type: file.kind,
      url: this.#state.files.signedUrl(file),
    };
  }
}
