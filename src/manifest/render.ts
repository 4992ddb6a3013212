import { compare } from '../model/compare.ts';
import { BridgeError } from '../model/errors.ts';
import { withoutUndefined } from '../model/json.ts';
import type { Registry } from '../model/registry.ts';
import { type DifyTool, identityOf, type ToolProvider } from '../model/tool.ts';
import { declarationsOf, declarationToFile, plain, providerToFile } from './declaration.ts';
import { fileNameOf } from './provider-file-name.ts';
import { LAYOUT, type ManifestFile } from './file-schema.ts';
import { manifestFileText } from './file-text.ts';
import { sourceHash, toolHash } from './hash.ts';

/** Largest file of a manifest, in bytes. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** The most nesting levels of one tool in a file; the reader allows for the levels around it. */
const MAX_TOOL_DEPTH = 80;

/** Returns one file for each provider of a published tool, by name, and the tools that no file can contain. */
export function manifestFiles(registry: Registry, providers: readonly ToolProvider[]) {
  const declarations = declarationsOf(providers);
  const drafts = new Map<string, { provider: ToolProvider; tools: Approved[]; withheld: Withheld[] }>();
  const draftOf = (provider: ToolProvider) => {
    const name = fileNameOf(provider.type, provider.id);
    const draft = drafts.get(name) ?? { provider, tools: [], withheld: [] };
    drafts.set(name, draft);
    return draft;
  };

  const skipped: { name: string; reason: string }[] = [];
  for (const tool of registry.tools) {
    const found = declarations.get(identityOf(tool.ref));
    if (found === undefined) {
      skipped.push({ name: tool.name, reason: 'Dify no longer lists it.' });
      continue;
    }
    const { name, title, description, inputSchema, outputSchema } = tool;
    if (isDeeper([found.tool, inputSchema, outputSchema], MAX_TOOL_DEPTH)) {
      skipped.push({ name, reason: `Its declaration has more than ${MAX_TOOL_DEPTH} levels.` });
      continue;
    }
    draftOf(found.provider).tools.push({
      hash: toolHash(tool),
      published: withoutUndefined({
        name,
        title,
        description,
        inputSchema: plain(inputSchema),
        outputSchema: outputSchema && plain(outputSchema),
      }),
      ...sourceOf(found.provider, found.tool),
    });
  }

  const isNeeded = neededForNames(registry);
  for (const { name, ref, reason } of registry.withheld) {
    const found = isNeeded(name) ? declarations.get(identityOf(ref)) : undefined;
    if (found === undefined || found.tool.name === '' || isDeeper(found.tool, MAX_TOOL_DEPTH)) continue;
    const draft = draftOf(found.provider);
    const known = [...draft.tools, ...draft.withheld].some(({ dify }) => dify.name === ref.tool);
    if (!known) draft.withheld.push({ reason, dify: declarationToFile(found.tool) });
  }

  const texts = [...drafts].map(([name, { provider, tools, withheld }]): [string, string] => {
    const file = withoutUndefined({
      manifest: LAYOUT,
      provider: providerToFile(provider),
      tools: tools.sort(byToolName),
      withheld: withheld.length > 0 ? withheld.sort(byToolName) : undefined,
    });
    return [name, checkedSize(name, manifestFileText(file))];
  });
  return { texts: new Map(texts.sort(([a], [b]) => compare(a, b))), skipped };
}

type Approved = ManifestFile['tools'][number];
type Withheld = NonNullable<ManifestFile['withheld']>[number];

function sourceOf(provider: ToolProvider, tool: DifyTool): Pick<Approved, 'difyHash' | 'dify'> {
  const dify = declarationToFile(tool);
  return { difyHash: sourceHash(plain(providerToFile(provider)), plain(dify)), dify };
}

/** Returns whether a withheld tool may be why a published name has a hash. A few extra tools do no harm. */
function neededForNames(registry: Registry): (withheld: string) => boolean {
  const stems = new Set(registry.tools.map(({ name }) => /^(.+)_[0-9a-f]{6,}$/.exec(name)?.[1]));
  return (withheld) =>
    Array.from(withheld, (_, end) => withheld.slice(0, end + 1)).some((stem) => stems.has(stem));
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((member) => isDeeper(member, levels - 1));
}

function checkedSize(name: string, text: string): string {
  if (Buffer.byteLength(text) <= MAX_FILE_BYTES) return text;
  throw new BridgeError('usage', `The file ${name} of the manifest would be larger than 16 MiB.`, {
    hint: 'Publish fewer tools of this provider: see the allow and deny rules of the view.',
  });
}

function byToolName(a: { dify: { name: string } }, b: { dify: { name: string } }): number {
  return compare(a.dify.name, b.dify.name);
}
