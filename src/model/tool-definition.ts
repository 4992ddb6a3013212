import { createHash } from 'node:crypto';
import type { ListedTool } from './registry.ts';

/** A tool as clients see it, and nothing else of it: what tools/list answers, and what a definition costs and is compared by. */
export function definitionOf({
  name,
  title,
  description,
  inputSchema,
  outputSchema,
  annotations,
}: ListedTool): ListedTool {
  return {
    name,
    title,
    description,
    inputSchema,
    ...(outputSchema === undefined ? {} : { outputSchema }),
    annotations,
  };
}

/** Equal for two lists exactly when all that clients see of the tools is equal; hexadecimal digits. */
export function listFingerprint(tools: readonly ListedTool[]): string {
  const hash = createHash('sha256');
  for (const tool of tools) hash.update(JSON.stringify(definitionOf(tool)));
  return hash.digest('hex');
}
