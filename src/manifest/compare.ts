import type { PublishedTool, Registry } from '../model/registry.ts';
import { identityOf, type ToolRef } from '../model/tool.ts';
import { toolHash } from './hash.ts';
import type { ApprovedTool, Manifest } from './manifest.ts';
import { type SchemaChange, schemaChanges } from './schema-changes.ts';
import type { UnpublishedChanges } from './unpublished.ts';

export interface TextChange {
  readonly part: 'name' | 'title' | 'description';
  readonly before: string;
  readonly after: string;
}

/** A tool that is published in another form than the approved one. */
export interface ChangedTool {
  /** The name under which it is published now. */
  readonly name: string;
  readonly ref: ToolRef;
  readonly texts: readonly TextChange[];
  /** Differences in the schemas of its arguments (`parameters.…`) and of its result (`output.…`). */
  readonly schema: readonly SchemaChange[];
  /** Differences in parameters that callers do not set (`dify.…`). */
  readonly unpublished: readonly SchemaChange[];
}

export interface RemovedTool {
  readonly name: string;
  readonly ref: ToolRef;
  /** Why a rule withholds it; absent if Dify no longer lists it. */
  readonly reason?: string | undefined;
}

/** How the published tools differ from the approved ones; each list in order of names. */
export interface ManifestDifference {
  readonly same: boolean;
  readonly added: readonly PublishedTool[];
  readonly removed: readonly RemovedTool[];
  readonly changed: readonly ChangedTool[];
}

/** Compares published with approved tools by their identity in Dify, whatever their names. */
export function compareManifest(
  manifest: Manifest,
  registry: Registry,
  changesIn: UnpublishedChanges,
): ManifestDifference {
  const approved = new Map(manifest.tools.map((tool) => [identityOf(tool.ref), tool]));
  const published = new Set(registry.tools.map(({ ref }) => identityOf(ref)));
  const reasons = new Map(registry.withheld.map(({ ref, detail }) => [identityOf(ref), detail]));
  const added = registry.tools.filter(({ ref }) => !approved.has(identityOf(ref)));
  const removed = manifest.tools
    .filter(({ ref }) => !published.has(identityOf(ref)))
    .map(({ name, ref }): RemovedTool => ({ name, ref, reason: reasons.get(identityOf(ref)) }));
  const changed = registry.tools.flatMap((tool) => {
    const old = approved.get(identityOf(tool.ref));
    if (old === undefined) return [];
    const unpublished = changesIn(tool);
    const isSame = unpublished.length === 0 && old.hash === toolHash(tool);
    return isSame ? [] : [changesOf(old, tool, unpublished)];
  });
  return { same: added.length + removed.length + changed.length === 0, added, removed, changed };
}

/**
 * Returns the function that says why a tool is withheld if only approved tools are served; undefined for a tool that
 * matches its approved version. `otherHashes`, by the identity of the tool, count as approved too.
 */
export function whyUnapproved(
  manifest: Manifest,
  changesIn: UnpublishedChanges,
  otherHashes: ReadonlyMap<string, string> = new Map(),
): (tool: PublishedTool) => string | undefined {
  const approved = new Map(manifest.tools.map(({ ref, hash }) => [identityOf(ref), hash]));
  return (tool) => {
    const key = identityOf(tool.ref);
    const hashes = [approved.get(key), otherHashes.get(key)];
    if (changesIn(tool).length === 0 && hashes.includes(toolHash(tool))) return undefined;
    const why = approved.has(key)
      ? 'It has changed since its approval'
      : 'It is not among the approved tools';
    return (
      `${why} in ${manifest.dir}, and manifest.frozen is set. ` +
      'Review it with "manifest diff", then approve it with "manifest pull".'
    );
  };
}

function changesOf(
  old: ApprovedTool,
  tool: PublishedTool,
  unpublished: readonly SchemaChange[],
): ChangedTool {
  const texts = (['name', 'title', 'description'] as const).flatMap((part): TextChange[] =>
    old[part] === tool[part] ? [] : [{ part, before: old[part], after: tool[part] }],
  );
  const schema = [
    ...schemaChanges(old.inputSchema, tool.inputSchema, 'parameters'),
    ...schemaChanges(old.outputSchema ?? {}, tool.outputSchema ?? {}, 'output'),
  ];
  return { name: tool.name, ref: tool.ref, texts, schema, unpublished };
}
