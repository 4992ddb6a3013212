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
