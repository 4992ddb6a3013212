import { createHash } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { ListedTool } from '../model/registry.ts';

/** What of a tool is approved: all that Dify can change of what clients and models are shown. */
export type Approvable = Pick<ListedTool, 'name' | 'title' | 'description' | 'inputSchema' | 'outputSchema'>;

/** A cache: each view and each comparison hashes the same immutable tools. */
const known = new WeakMap<Approvable, string>();

/**
 * `sha256:` and the hexadecimal digest over what a tool is published from: its provider and its declaration, as a file
 * has them.
 */
export function sourceHash(provider: JsonObject, declaration: JsonObject): string {
  return digestOf([provider, declaration]);
}

/**
 * `sha256:` and the hexadecimal digest over name, title, description and schemas. Annotations are left out:
 * they are the operator's own. The order of keys does not matter. A tool is taken to be immutable.
 */
export function toolHash(tool: Approvable): string {
  const found = known.get(tool);
  if (found !== undefined) return found;
  const { name, title, description, inputSchema, outputSchema } = tool;
  const hash = digestOf([name, title, description, inputSchema, outputSchema ?? null]);
  known.set(tool, hash);
  return hash;
}

function digestOf(value: Json): string {
  return `sha256:${createHash('sha256').update(canonical(value)).digest('hex')}`;
}

/** JSON with the keys of every object in code-unit order: equal for equal values. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .flatMap((key) => {
      const member = value[key];
      return member === undefined ? [] : [`${JSON.stringify(key)}:${canonical(member)}`];
    });
  return `{${members.join(',')}}`;
}
