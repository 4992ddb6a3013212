import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { PublishedTool } from '../model/registry.ts';
import { cutText } from '../registry/text.ts';

/** How deep parameters within parameters are looked for. */
const MAX_DEPTH = 5;

/** What a tool is found by, one text for each thing of another weight. */
export interface ToolTexts {
  readonly name: string;
  readonly title: string;
  readonly provider: string;
  readonly description: string;
  readonly parameters: string;
}

/** The texts of a tool as published, with its labels in every language that Dify has. */
export function toolTexts(tool: PublishedTool): ToolTexts {
  const { name, title, ref, providerLabel, otherLabels, description, inputSchema } = tool;
  const provider = [providerLabel, ...(otherLabels?.provider ?? [])].join('\n');
  const parameters: string[] = [];
  addParameters(inputSchema, parameters, MAX_DEPTH);
  return {
    name: `${name} ${ref.tool}`,
    title: [title, ...(otherLabels?.tool ?? [])].join('\n'),
    // The id of a provider of the types workflow and api is a UUID, which nobody looks for by a part.
    provider:
      ref.providerType === 'builtin' || ref.providerType === 'mcp'
        ? `${provider} ${ref.providerId}`
        : provider,
    description,
    parameters: parameters.join('\n'),
  };
}

function addParameters(schema: JsonObject, texts: string[], depth: number): void {
  const { properties, items } = schema;
  if (depth === 0) return;
  if (isJsonObject(items)) addParameters(items, texts, depth - 1);
  if (!isJsonObject(properties)) return;
  for (const [name, property] of Object.entries(properties)) {
    texts.push(name);
    if (!isJsonObject(property)) continue;
    if (typeof property['description'] === 'string') texts.push(property['description']);
    addParameters(property, texts, depth - 1);
  }
}

/** The first sentence of a description, of at most `max` units. */
export function firstSentence(description: string, max: number): string {
  const line =
    description
      .split('\n')
      .find((text) => text.trim() !== '')
      ?.trim() ?? '';
  return cutText(/^.*?(?:[.!?](?=\s)|[。！？])/u.exec(line)?.[0] ?? line, max);
}
