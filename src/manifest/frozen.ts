import type { PublishedTool, Registry, WithheldTool } from '../model/registry.ts';
import { identityOf } from '../model/tool.ts';
import { toolHash } from './hash.ts';
import type { Manifest } from './manifest.ts';
import type { UnpublishedChanges } from './unpublished.ts';

/** Which tools of a registry may be served when only approved tools are. */
export interface FrozenView {
  /** Returns true if the tool is exactly as approved. */
  allowed(tool: PublishedTool): boolean;
  /** Returns true if Dify still receives the same values in addition to the caller's arguments. */
  sendsTheSame(tool: PublishedTool): boolean;
  /** The tools that are not allowed, each with the reason. */
  readonly withheld: readonly WithheldTool[];
}

/**
 * Compares the registry's tools with the approved ones. `changesIn` knows the declarations behind the
 * registry.
 */
export function frozenView(
  manifest: Manifest,
  registry: Registry,
  changesIn: UnpublishedChanges,
): FrozenView {
  const approved = new Map(manifest.tools.map((tool) => [identityOf(tool.ref), tool.hash]));
  const sendsTheSame = (tool: PublishedTool): boolean => changesIn(tool).length === 0;
  const allowed = (tool: PublishedTool): boolean =>
    sendsTheSame(tool) && approved.get(identityOf(tool.ref)) === toolHash(tool);
  const withheld = registry.tools
    .filter((tool) => !allowed(tool))
    .map((tool): WithheldTool => {
      const { name, title, ref } = tool;
      const why = approved.has(identityOf(ref))
        ? 'It has changed since its approval'
        : 'It is not among the approved tools';
      const detail =
        `${why} in ${manifest.dir}, and manifest.frozen is set. ` +
        'Review it with "manifest diff", then approve it with "manifest pull".';
      return Object.freeze({ name, title, ref, reason: 'hidden', detail });
    });
  return Object.freeze({ allowed, sendsTheSame, withheld: Object.freeze(withheld) });
}
