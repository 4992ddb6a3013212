import type { FileSource } from '../model/registry.ts';
import type { ToolParameter, ToolRef } from '../model/tool.ts';

/** What callers may name unless the rules say otherwise, in the order in which a model should think of it. */
export const DEFAULT_SOURCES: readonly FileSource[] = ['url', 'resource', 'data'];

const TYPES: ReadonlySet<string> = new Set(['file', 'files', 'system-files']);

const EXAMPLES: Readonly<Record<FileSource, string>> = {
  url: '{"url":"https://example.com/report.pdf"}',
  data: '{"data":"SGVsbG8=","filename":"hello.txt"} with the bytes as Base64',
  resource: '{"resource":"dify-file://…"} for a file that an earlier result named',
  path: '{"path":"/home/me/report.pdf"} for a file on this computer',
};

export function takesFiles(parameter: ToolParameter): boolean {
  return TYPES.has(parameter.type);
}

export function takesManyFiles(parameter: ToolParameter): boolean {
  return takesFiles(parameter) && parameter.type !== 'file';
}

/** How a model writes a file, by example. */
export function fileRemark(sources: readonly FileSource[], many: boolean): string {
  const examples = sources.map((source) => EXAMPLES[source]);
  const last = examples.pop() ?? '';
  const alternatives = examples.length === 0 ? last : `${examples.join(', ')}, or ${last}`;
  return `${many ? 'A list of files, each as' : 'A file, as'} ${alternatives}.`;
}

/** Why Dify hands no file to a tool, as a sentence; undefined where it does. */
export function fileRefusal({ providerType, providerId, tool }: ToolRef): string | undefined {
  // Both expect an upload of Dify's web app, and fail on what the inner API hands them.
  if (providerType === 'api') return 'Dify cannot hand files to the tools of a custom API.';
  if (providerType === 'builtin' && providerId === 'audio' && tool === 'asr') {
    return 'Dify cannot hand files to this tool from outside its web app.';
  }
  return undefined;
}
