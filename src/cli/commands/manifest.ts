import { join } from 'node:path';
import { DEFAULT_VIEW } from '../../config/views.ts';
import type { ChangedTool, ManifestDifference, RemovedTool } from '../../manifest/compare.ts';
import { visibleLine } from '../../manifest/invisible-characters.ts';
import { MANIFEST_DIR } from '../../manifest/manifest.ts';
import { compareWords } from '../../manifest/word-diff.ts';
import type { ManifestChanges } from '../../manifest/write.ts';
import type { CatalogProblem } from '../../model/ports.ts';
import type { PublishedTool, Registry } from '../../model/registry.ts';
import type { ToolProvider } from '../../model/tool.ts';
import { reviewText, type WhyRemoved } from '../manifest-review.ts';
import { count, type Output } from '../output.ts';
import { type CommandContext, withTools } from '../session.ts';

/** Options of the manifest commands. */
export interface ManifestOptions {
  /** `--view`. */
  readonly view?: string | undefined;
  /** `--dir`. */
  readonly dir?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Exit code of a difference. */
const DIFFERENT = 1;

/** `manifest pull`: writes what a view publishes at present. */
export function pullManifest(context: CommandContext, options: ManifestOptions): Promise<number> {
  return withView(context, options, async ({ view, dir, registry, providers, problems }) => {
    const { writeManifest } = await import('../../manifest/write.ts');
    const dryRun = options.dryRun === true;
    const changes = await writeManifest(dir, registry, providers, { problems, dryRun });
    const { output } = context;
    output.data(
      { view, dir, dryRun, tools: registry.tools.length - changes.skipped.length, ...changes },
      () => pullText(dir, changes, { registry, dryRun, output }),
    );
    warn(output, problems);
    for (const { name, reason } of changes.skipped) note(output, `${name} is left out. ${reason}`);
    for (const name of changes.kept) {
      note(output, `${join(dir, name)} is left as it is, since Dify could not list its provider.`);
    }
    for (const name of changes.foreign) {
      note(output, `${join(dir, name)} is not of this manifest, and does not belong into its folder.`);
    }
    return 0;
  });
}

/** `manifest diff`: how what a view publishes differs from what was approved. */
export async function diffManifest(context: CommandContext, options: ManifestOptions): Promise<number> {
  const { readManifest } = await import('../../manifest/read.ts');
  const { compareManifest } = await import('../../manifest/compare.ts');
  const { unpublishedIn } = await import('../../manifest/unpublished.ts');
  return withView(context, options, async ({ view, dir, registry, providers, problems }) => {
    const manifest = await readManifest(dir);
    const difference = compareManifest(manifest, registry, unpublishedIn(manifest, providers));
    const { output } = context;
    const why = (tool: RemovedTool): string => whyRemoved(tool, problems);
    output.data({ view, dir, ...describe(difference, why), problems }, () =>
      reviewText(difference, output, why),
    );
    warn(output, problems);
    if (difference.same) return 0;
    output.note(`Compared with ${dir}. Once reviewed, approve it with manifest pull.`);
    return DIFFERENT;
  });
}

/** `manifest schema`: the JSON Schema of the files. */
export async function printManifestSchema({ output }: CommandContext): Promise<number> {
  const { manifestFileSchema } = await import('../../manifest/file-schema.ts');
  output.raw(JSON.stringify(manifestFileSchema(), null, 2));
  return 0;
}

/** What a view publishes of the live workspace, and the folder that it is held against. */
interface LiveView {
  readonly view: string;
  readonly dir: string;
  readonly registry: Registry;
  readonly providers: readonly ToolProvider[];
  readonly problems: readonly CatalogProblem[];
}

/** Runs a command on what Dify has at present, even where the configuration serves from a manifest. */
function withView(
  context: CommandContext,
  { view: name = DEFAULT_VIEW, dir }: ManifestOptions,
  run: (view: LiveView) => Promise<number>,
): Promise<number> {
  return withTools(
    context,
    async ({ app, loaded, signal }) => {
      const view = app.views.get(name);
      if (view === undefined) throw (await import('../../app/serving.ts')).unknownView(name, app.views);
      const registry = await view.registry.ready(signal);
      const { providers = [], problems = [] } = app.status().listing ?? {};
      const base = loaded.config.manifest.dir ?? MANIFEST_DIR;
      const folder = dir ?? (name === DEFAULT_VIEW ? base : join(base, name));
      return run({ view: name, dir: folder, registry, providers, problems });
    },
    { adjust: (config) => ({ ...config, manifest: { frozen: false } }) },
  );
}

function pullText(
  dir: string,
  changes: ManifestChanges,
  { registry, dryRun, output }: { registry: Registry; dryRun: boolean; output: Output },
): string {
  const { added, changed, removed, unchanged, skipped } = changes;
  const lines = [
    ...added.map((name) => `${output.paint('green', 'added')}    ${join(dir, name)}`),
    ...changed.map((name) => `${output.paint('yellow', 'changed')}  ${join(dir, name)}`),
    ...removed.map((name) => `${output.paint('red', 'removed')}  ${join(dir, name)}`),
  ];
  const files = added.length + changed.length + unchanged.length;
  const tools = count(registry.tools.length - skipped.length, 'tool');
  lines.push(`${tools} in ${count(files, 'file')}, ${unchanged.length} of them as before.`);
  if (dryRun) lines.push('Nothing was written (--dry-run).');
  else if (lines.length > 1) lines.push('Review the change before you commit it.');
  return lines.join('\n');
}

/** The difference for `-o json`: whole tools where they are new, changes where they changed. */
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
  const output = outputSchema === undefined ? {} : { outputSchema };
  return { name, title, description, inputSchema, ...output, dify: ref };
}

function whyRemoved({ ref, reason }: RemovedTool, problems: readonly CatalogProblem[]): string {
  const problem = problems.find(
    ({ providerType, providerId }) =>
      providerType === ref.providerType && (providerId === undefined || providerId === ref.providerId),
  );
  return reason ?? problem?.message ?? 'Dify does not list it any more.';
}

function warn(output: Output, problems: readonly CatalogProblem[]): void {
  for (const { message } of problems) note(output, visibleLine(message));
}

function note(output: Output, message: string): void {
  output.note(`${output.paint('yellow', 'warning:', 'stderr')} ${message}`);
}
