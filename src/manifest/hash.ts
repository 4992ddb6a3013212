import { hash } from 'node:crypto';
import { canonicalJson } from '../model/exact-json.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { ListedTool } from '../model/registry.ts';

/** The approved parts of a tool: everything that clients and models see and Dify can change. */
export type Approvable = Pick<ListedTool, 'name' | 'title' | 'description' | 'inputSchema' | 'outputSchema'>;

/** A cache: each view and each comparison hashes the same immutable tools. */
const known = new WeakMap<Approvable, string>();

/** Returns the digest of a tool's provider and declaration in the form of a file. */
export function sourceHash(provider: JsonObject, declaration: JsonObject): string {
  return digestOf([provider, declaration]);
}

/** Returns the digest of what clients see, but annotations. The tool must not change afterwards. */
export function toolHash(tool: Approvable): string {
  const found = known.get(tool);
  if (found !== undefined) return found;
  const { name, title, description, inputSchema, outputSchema } = tool;
  const digest = digestOf([name, title, description, inputSchema, outputSchema ?? null]);
  known.set(tool, digest);
  return digest;
}

function digestOf(value: Json): string {
  return `sha256:${hash('sha256', canonicalJson(value))}`;
}
