import {
  type ChangedTool,
  compareManifest,
  type ManifestDifference,
  type RemovedTool,
} from '../../manifest/compare.ts';
import { readManifest } from '../../manifest/read.ts';
import { unpublishedIn } from '../../manifest/unpublished.ts';
import { compareWords } from '../../manifest/word-diff.ts';
import type { CatalogProblem } from '../../model/ports.ts';
import type { PublishedTool } from '../../model/registry.ts';
import { type ManifestOptions, withLiveView } from '../live-view.ts';
import { reviewText, type WhyRemoved } from '../manifest-review.ts';
import { type CommandContext, warnOfUnlisted } from '../session.ts';

const DIFFERENT = 1;

export function run(context: CommandContext, options: ManifestOptions): Promise<number> {
  return withLiveView(context, options, async ({ app, view, dir, registry, providers, problems }) => {
    const manifest = await readManifest(dir);
    const difference = compareManifest(manifest, registry, unpublishedIn(manifest, providers));
    const { output } = context;
    const why = (tool: RemovedTool): string => whyRemoved(tool, problems);
    output.data({ view, dir, ...describe(difference, why), problems }, () =>
      reviewText(difference, output, why),
    );
    warnOfUnlisted({ app }, output);
    if (difference.same) return 0;
    output.note(`Compared with ${dir}. Once reviewed, approve it with dify-mcp-bridge manifest pull.`);
    return DIFFERENT;
  });
}

/** Returns the difference for `-o json`: new tools as a whole, changed tools as changes. */
function describe({ same, added, removed, changed }: ManifestDifference, why: WhyRemoved) {
  return {
    same,
    added: added.map(describeAdded),
    removed: removed.map((tool) => ({ name: tool.name, dify: tool.ref, reason: why(tool) })),
    changed: changed.map(({ name, ref, texts, schema, unpublished }: ChangedTool) => ({
      name,
      dify: ref,
      texts: texts.map((text) => ({ ...text, words: compareWords(text.before, text.after) })),
      schema,
      unpublished,
    })),
  };
}

function describeAdded({ name, title, description, inputSchema, outputSchema, ref }: PublishedTool) {
  return { name, title, description, inputSchema, outputSchema, dify: ref };
}

function whyRemoved({ ref, reason }: RemovedTool, problems: readonly CatalogProblem[]): string {
  const problem = problems.find(
    ({ providerType, providerId }) =>
      providerType === ref.providerType && (providerId === undefined || providerId === ref.providerId),
  );
  return reason ?? problem?.message ?? 'Dify no longer lists it.';
}
