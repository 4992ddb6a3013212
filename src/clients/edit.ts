import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { Client } from './client.ts';
import { type ClientDocument, openDocument } from './document.ts';
import { INPUT_IDS, type ServerEntry, serverEntry, type ServerTarget } from './server-entry.ts';

export type Change = 'added' | 'changed' | 'removed' | 'unchanged';

export interface EditedFile {
  readonly text: string;
  readonly change: Change;
}

export interface ClientFile {
  readonly client: Client;
  readonly file: string;
  /** Its text; empty if the file does not exist. */
  readonly text: string;
  readonly name: string;
}

/** The keys of an entry that define how to reach a server. Others belong to the user. */
const OWN_KEYS = ['type', 'command', 'args', 'url', 'baseUrl', 'headers', 'isActive'];

/**
 * Returns a client's file with the entry added or updated. Preserves other entries, comments, formatting,
 * and the user's own keys of an existing entry. Throws `client_config_invalid`.
 */
export function withEntry(target: ClientFile, { entry, inputs }: ServerEntry): EditedFile {
  const document = open(target);
  const path = [target.client.container, target.name];
  const before = document.get(path);
  if (isJsonObject(before)) update(document, path, before, entry);
  else document.set(path, entry);
  for (const input of inputs) addInput(document, input);
  if (inputs.length === 0 && target.client.name === 'vscode') dropInputs(document);
  return result(target, document, before === undefined ? 'added' : 'changed');
}

/** Returns the text of a new file with the bridge as its only server. */
export function newFileText(client: Client, name: string, target: ServerTarget): string {
  return withEntry({ client, file: '', text: '', name }, serverEntry(client, target)).text;
}

/** Returns a client's file without the entry and its unused inputs. Throws `client_config_invalid`. */
export function withoutEntry(target: ClientFile): EditedFile {
  const document = open(target);
  const path = [target.client.container, target.name];
  if (document.get(path) === undefined) return { text: target.text, change: 'unchanged' };
  document.set(path, undefined);
  if (target.client.name === 'vscode') dropInputs(document);
  return result(target, document, 'removed');
}

function open({ client, file, text }: ClientFile): ClientDocument {
  return openDocument(text, file, {
    [client.container]: 'object',
    ...(client.name === 'vscode' ? { inputs: 'array' as const } : {}),
  });
}

function result({ text }: ClientFile, document: ClientDocument, change: Change): EditedFile {
  const edited = document.text();
  return edited === text ? { text, change: 'unchanged' } : { text: edited, change };
}

function update(document: ClientDocument, path: string[], before: JsonObject, entry: JsonObject): void {
  const { env, ...rest } = entry;
  for (const key of new Set([...OWN_KEYS, ...Object.keys(rest)])) {
    if (!isDeepStrictEqual(before[key], rest[key])) document.set([...path, key], rest[key]);
  }
  const kept = isJsonObject(before['env']) ? before['env'] : {};
  // The environment overrides the configuration file: an old value there would win over a new one.
  const foreign = Object.entries(kept).filter(([name]) => !name.startsWith('DIFY_'));
  const wanted = { ...Object.fromEntries(foreign), ...(isJsonObject(env) ? env : {}) };
  const value = Object.keys(wanted).length === 0 ? undefined : wanted;
  if (!isDeepStrictEqual(before['env'], value)) document.set([...path, 'env'], value);
}

function addInput(document: ClientDocument, input: JsonObject): void {
  const inputs = document.get(['inputs']);
  if (!Array.isArray(inputs)) document.set(['inputs'], [input]);
  else if (!inputs.some((one) => isJsonObject(one) && one['id'] === input['id'])) {
    document.append(['inputs'], input);
  }
}

/** Removes the bridge's inputs that no server uses any more. */
function dropInputs(document: ClientDocument): void {
  const servers = JSON.stringify(document.get(['servers']) ?? {});
  const inputs = document.get(['inputs']);
  if (!Array.isArray(inputs)) return;
  const unused = inputs.flatMap((one: unknown, index) => {
    const id = isJsonObject(one) ? one['id'] : undefined;
    const isOurs = typeof id === 'string' && INPUT_IDS.includes(id);
    return isOurs && !servers.includes(`\${input:${id}}`) ? [index] : [];
  });
  if (unused.length > 0 && unused.length === inputs.length) document.set(['inputs'], undefined);
  else for (const index of unused.toReversed()) document.set(['inputs', index], undefined);
}
