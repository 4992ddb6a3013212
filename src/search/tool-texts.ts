import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { PublishedTool } from '../model/registry.ts';
import { cutAtWord } from '../registry/text.ts';

/** The most nesting levels of parameters to read. */
const MAX_DEPTH = 5;

/** The most UTF-16 units of each text to read: Dify does not limit names, labels and the number of parameters. */
const MAX_TEXT = 20_000;

export type TextOfTool = 'name' | 'title' | 'provider' | 'description' | 'parameters';

/** Returns the beginning of a text of a tool as published. Labels and descriptions are in every language that Dify has. */
export function toolText(tool: PublishedTool, text: TextOfTool): string {
  return wholeText(tool, text).slice(0, MAX_TEXT);
}

function wholeText(tool: PublishedTool, text: TextOfTool): string {
  const { ref, otherTexts } = tool;
  switch (text) {
    case 'name':
      return `${tool.name} ${ref.tool}`;
    case 'title':
      return withOthers(tool.title, otherTexts?.title);
    case 'provider': {
      const labels = withOthers(tool.providerLabel, otherTexts?.provider);
      // The ID of a workflow or api provider is a UUID, which nobody searches by a part.
      const isTelling = ref.providerType === 'builtin' || ref.providerType === 'mcp';
      return isTelling ? `${labels} ${ref.providerId}` : labels;
    }
    case 'description':
      return withOthers(tool.description, otherTexts?.description);
    default:
      return parameterText(tool.inputSchema, MAX_DEPTH);
  }
}

function withOthers(label: string, others: readonly string[] = []): string {
  return others.length === 0 ? label : `${label}\n${others.join('\n')}`;
}

/** Returns the names and descriptions of all parameters, one per line. */
function parameterText(schema: JsonObject, depth: number): string {
  const { properties, items } = schema;
  if (depth === 0) return '';
  let text = isJsonObject(items) ? parameterText(items, depth - 1) : '';
  if (!isJsonObject(properties)) return text;
  for (const [name, property] of Object.entries(properties)) {
    if (text.length > MAX_TEXT) break;
    text += `${name}\n`;
    if (!isJsonObject(property)) continue;
    if (typeof property['description'] === 'string') text += `${property['description']}\n`;
    text += parameterText(property, depth - 1);
  }
  return text;
}

/** Returns the first sentence, at most `max` units. Chinese and Japanese full stops need no space after. */
export function firstSentence(description: string, max: number): string {
  const line =
    description
      .split('\n')
      .find((text) => text.trim() !== '')
      ?.trim() ?? '';
  return cutAtWord(/^.*?(?:[.!?](?=\s)|[\u3002\uff01\uff1f])/u.exec(line)?.[0] ?? line, max);
}
