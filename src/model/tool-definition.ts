import { createHash } from 'node:crypto';
import type { ListedTool } from './registry.ts';

/** Returns only the members of a tool that clients see. Its cost and comparisons are based on these. */
export function definitionOf({
  name,
  title,
  description,
  inputSchema,
  outputSchema,
  annotations,
}: ListedTool): Omit<ListedTool, 'annotations' | 'title'> & Partial<ListedTool> {
  // Clients show the name of a tool without a title.
  const isNamed = name.endsWith(`__${title}`);
  return {
    name,
    ...(isNamed ? {} : { title }),
    description,
    inputSchema,
    ...(outputSchema === undefined ? {} : { outputSchema }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

/** Returns a hexadecimal digest, equal for two lists if and only if clients see no difference between their tools. */
export function listFingerprint(tools: readonly ListedTool[]): string {
  const hash = createHash('sha256');
  for (const tool of tools) hash.update(JSON.stringify(definitionOf(tool)));
  return hash.digest('hex');
}
