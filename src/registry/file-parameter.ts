import type { FileSource } from '../model/registry.ts';
import type { ToolParameter, ToolRef } from '../model/tool.ts';

/** The ways in which callers may pass a file by default, the preferred one first. */
export const DEFAULT_SOURCES: readonly FileSource[] = ['url', 'resource', 'data'];

const TYPES: ReadonlySet<string> = new Set(['file', 'files', 'system-files']);

const EXAMPLES: Readonly<Record<FileSource, string>> = {
  url: '{"url":"https://example.com/report.pdf"}',
  resource: '{"resource":"dify-file://…"}',
  data: '{"data":"SGVsbG8=","filename":"hello.txt"}',
  path: '{"path":"/home/me/report.pdf"}',
};

export function takesFiles(parameter: ToolParameter): boolean {
  return TYPES.has(parameter.type);
}

export function takesManyFiles(parameter: ToolParameter): boolean {
  return takesFiles(parameter) && parameter.type !== 'file';
}

/** Returns how a model passes a file, in one sentence. */
export function fileRemark(sources: readonly FileSource[], many: boolean): string {
  const way =
    sources.length === 1 ? `such as ${fileExample(sources[0])}` : `by exactly one of ${sources.join(', ')}`;
  return `${many ? 'Files, each' : 'A file,'} ${way}.`;
}

/** Returns an argument that passes a file, for an error. */
export function fileExample(source: FileSource = 'url'): string {
  return EXAMPLES[source];
}

/** Returns why Dify cannot pass a file to a tool, as a sentence; undefined if it can. */
export function fileRefusal({ providerType, providerId, tool }: ToolRef): string | undefined {
  // Both expect an upload from Dify's web app, and fail on the files that the inner API passes.
  if (providerType === 'api') return 'Dify cannot pass files to the tools of a custom API.';
  if (providerType === 'builtin' && providerId === 'audio' && tool === 'asr') {
    return 'Dify cannot pass files to this tool from outside its web app.';
  }
  return undefined;
}
