import type { JsonObject } from '../model/json.ts';
import type { DifyTool, ToolParameter, ToolProvider, ToolRef } from '../model/tool.ts';
import { identityOf } from './manifest.ts';
import { type SchemaChange, schemaChanges } from './schema-changes.ts';

/** Finds the declaration of a tool. */
export type FindDeclaration = (ref: ToolRef) => DifyTool | undefined;

export function declarationsOf(providers: readonly ToolProvider[]): FindDeclaration {
  const tools = new Map<string, DifyTool>();
  for (const { type, id, tools: all } of providers) {
    for (const tool of all) {
      const identity = identityOf({ providerType: type, providerId: id, tool: tool.name });
      if (!tools.has(identity)) tools.set(identity, tool);
    }
  }
  return (ref) => tools.get(identityOf(ref));
}

/**
 * What differs in the parameters that callers do not set (`dify.endpoint`): nobody is shown them, and their defaults go
 * out with every call. `schemas` are the arguments that are published.
 */
export function unpublishedChanges(
  before: DifyTool | undefined,
  after: DifyTool | undefined,
  schemas: readonly JsonObject[],
): SchemaChange[] {
  if (before === undefined || after === undefined || before === after) return [];
  const shown = new Set(schemas.flatMap(({ properties }) => Object.keys((properties ?? {}) as JsonObject)));
  const [old, now] = [before, after].map(({ parameters }) => unpublished(parameters, shown));
  return schemaChanges({ properties: old ?? {} }, { properties: now ?? {} }, 'dify');
}

function unpublished(parameters: readonly ToolParameter[], shown: ReadonlySet<string>): JsonObject {
  const entries = parameters
    .filter(({ name }) => !shown.has(name))
    .map(({ name, type, form, required, default: preset, min, max, options, multiple }) => {
      const choices = options.map(({ value }) => value);
      const facts: JsonObject = {
        type,
        form,
        demanded: required,
        ...(preset !== undefined && { default: preset }),
        ...(min !== undefined && { minimum: min }),
        ...(max !== undefined && { maximum: max }),
        ...(choices.length > 0 && { enum: choices }),
        ...(multiple === true && { multiple }),
      };
      return [name, facts] as const;
    });
  return Object.fromEntries(entries);
}
