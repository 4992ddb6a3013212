import { join } from 'node:path';
import { type ManifestChanges, writeManifest } from '../../manifest/write.ts';
import type { Registry } from '../../model/registry.ts';
import { type ManifestOptions, withLiveView } from '../live-view.ts';
import { count, type Output } from '../output.ts';
import { type CommandContext, warnOfUnlisted } from '../session.ts';

interface PullOptions extends ManifestOptions {
  readonly dryRun?: true;
}

export function run(context: CommandContext, options: PullOptions): Promise<number> {
  return withLiveView(context, options, async ({ app, view, dir, registry, providers, problems }) => {
    const dryRun = options.dryRun === true;
    const changes = await writeManifest(dir, registry, providers, { problems, dryRun });
    const { output } = context;
    output.data(
      { view, dir, dryRun, tools: registry.tools.length - changes.skipped.length, ...changes },
      () => output.prose(pullText(dir, changes, { registry, dryRun, output })),
    );
    warnOfUnlisted({ app }, output);
    for (const { name, reason } of changes.skipped) output.warn(`${name} is omitted. ${reason}`);
    for (const name of changes.unlisted) {
      output.warn(`${join(dir, name)} is unchanged, because Dify could not list its provider.`);
    }
    for (const name of changes.foreign) {
      output.warn(`${join(dir, name)} is not part of this manifest: remove it from the folder.`);
    }
    return 0;
  });
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
