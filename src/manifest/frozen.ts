import type { PublishedTool, Registry, WithheldTool } from '../model/registry.ts';
import { toolHash } from './hash.ts';
import { identityOf, type Manifest } from './manifest.ts';

/** What of a registry may be served when only approved tools are. */
export interface FrozenView {
  /** True when the tool is exactly as it was approved. */
  allowed(tool: PublishedTool): boolean;
  /** The tools that are not, each with the reason. */
  readonly withheld: readonly WithheldTool[];
}

/** Holds the registry's tools against what was approved. */
export function frozenView(manifest: Manifest, registry: Registry): FrozenView {
  const approved = new Map(manifest.tools.map((tool) => [identityOf(tool.ref), tool.hash]));
  const allowed = (tool: PublishedTool): boolean => approved.get(identityOf(tool.ref)) === toolHash(tool);
  const withheld = registry.tools
    .filter((tool) => !allowed(tool))
    .map((tool): WithheldTool => {
      const { name, title, ref } = tool;
      const why = approved.has(identityOf(ref))
        ? 'It is not any more as it was approved'
        : 'It is not among the approved tools';
      const detail =
        `${why} in ${manifest.dir}, and manifest.frozen is set. ` +
        'Review it with "manifest diff", then approve it with "manifest pull".';
      return Object.freeze({ name, title, ref, reason: 'hidden', detail });
    });
  return Object.freeze({ allowed, withheld: Object.freeze(withheld) });
}
