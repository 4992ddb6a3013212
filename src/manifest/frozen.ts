import type { PublishedTool, Registry, WithheldTool } from '../model/registry.ts';
import { identityOf } from '../model/tool.ts';
import { toolHash } from './hash.ts';
import type { Manifest } from './manifest.ts';
import type { UnpublishedChanges } from './unpublished.ts';

/** What of a registry may be served when only approved tools are. */
export interface FrozenView {
  /** True when the tool is exactly as it was approved. */
  allowed(tool: PublishedTool): boolean;
  /** True when nothing has changed in what Dify is sent besides the arguments of callers. */
  sendsTheSame(tool: PublishedTool): boolean;
  /** The tools that are not, each with the reason. */
  readonly withheld: readonly WithheldTool[];
}

/** Holds the registry's tools against what was approved. `changesIn` knows what it was made from. */
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
        ? 'It is not any more as it was approved'
        : 'It is not among the approved tools';
      const detail =
        `${why} in ${manifest.dir}, and manifest.frozen is set. ` +
        'Review it with "manifest diff", then approve it with "manifest pull".';
      return Object.freeze({ name, title, ref, reason: 'hidden', detail });
    });
  return Object.freeze({ allowed, sendsTheSame, withheld: Object.freeze(withheld) });
}
