import type { RetrieverResource } from '../model/message.ts';

/** What a retrieval found, as one text: its context, then a line for each source. */
export function describeRetrieval(context: string, resources: readonly RetrieverResource[]): string {
  const parts: string[] = [];
  if (context !== '') parts.push(context);
  if (resources.length > 0) {
    const lines = resources.map((resource, index) => `- ${describeSource(resource, index, context)}`);
    parts.push(['Sources:', ...lines].join('\n'));
  }
  return parts.join('\n\n');
}

function describeSource(resource: RetrieverResource, index: number, context: string): string {
  const { title, documentName, datasetName, content } = resource;
  const names = [...new Set([title, documentName, datasetName])].filter(
    (name) => name !== undefined && name !== '',
  );
  const line = names.length > 0 ? names.join(', ') : `source ${index + 1}`;
  // Dify builds the context from the contents; what it left out of it would otherwise be lost.
  return content === '' || context.includes(content) ? line : `${line}: ${content}`;
}
