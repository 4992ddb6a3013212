import type { JsonObject } from '../model/json.ts';
import type { PublishedTool } from '../model/registry.ts';
import { identityOf, type ToolParameter, type ToolProvider } from '../model/tool.ts';
import { declarationsOf } from './declaration.ts';
import type { Manifest } from './manifest.ts';
import { type SchemaChange, schemaChanges } from './schema-changes.ts';

/** Returns differences in parameters that nobody sees (`dify.endpoint`), because every call sends their defaults. */
export type UnpublishedChanges = (tool: PublishedTool) => readonly SchemaChange[];

/** Compares the declarations of providers with the approved ones, each when its tool is asked for. */
export function unpublishedIn(manifest: Manifest, providers: readonly ToolProvider[]): UnpublishedChanges {
  const approved = declarationsOf(manifest.providers);
  const live = declarationsOf(providers);
  const schemas = new Map(manifest.tools.map(({ ref, inputSchema }) => [identityOf(ref), inputSchema]));
  return ({ ref, inputSchema }) => {
    const key = identityOf(ref);
    const [before, after] = [approved.get(key)?.tool, live.get(key)?.tool];
    if (before === undefined || after === undefined) return [];
    const shown = new Set([inputSchema, schemas.get(key)].flatMap((schema) => propertiesOf(schema)));
    const [old, now] = [unpublished(before.parameters, shown), unpublished(after.parameters, shown)];
    return schemaChanges({ properties: old }, { properties: now }, 'dify');
  };
}

function propertiesOf({ properties = {} }: JsonObject = {}): string[] {
  return Object.keys(properties as JsonObject);
}

function unpublished(parameters: readonly ToolParameter[], shown: ReadonlySet<string>): JsonObject {
  const entries = parameters
    .filter(({ name }) => !shown.has(name))
    .map(({ name, type, form, required, default: preset, min, max, options, multiple }) => {
      const choices = options.map(({ value }) => value);
      const facts: JsonObject = {
        type,
        form,
        required,
        default: preset,
        minimum: min,
        maximum: max,
        enum: choices.length > 0 ? choices : undefined,
        multiple: multiple === true ? multiple : undefined,
      };
      return [name, facts] as const;
    });
  return Object.fromEntries(entries);
}
