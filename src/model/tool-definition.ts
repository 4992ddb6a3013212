import type { ListedTool } from './registry.ts';

/** Returns only the members of a tool that clients see. Its cost and comparisons are based on these. */
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
