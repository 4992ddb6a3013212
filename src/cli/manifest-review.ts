import type { ManifestDifference } from '../manifest/compare.ts';
import { visible, visibleLine } from '../model/invisible-characters.ts';
import { type SchemaChange, schemaChanges } from '../manifest/schema-changes.ts';
import { compareWords } from '../manifest/word-diff.ts';
import { writeJson } from '../model/well-formed.ts';
import type { Json } from '../model/json.ts';
import type { PublishedTool } from '../model/registry.ts';
import type { ToolRef } from '../model/tool.ts';
import { count, type Output } from './output.ts';
import { origin } from './tool-texts.ts';

/** Returns why an approved tool is not published. */
export type WhyRemoved = (removed: ManifestDifference['removed'][number]) => string;

/**
 * Returns a difference for review: new tools completely, changed texts word by word, hidden characters as
 * escapes.
 */
export function reviewText(
  { added, removed, changed, same }: ManifestDifference,
  output: Output,
  whyRemoved: WhyRemoved,
): string {
  if (same) return 'What is published is what was approved.';
  const blocks: string[][] = [];
  for (const tool of added) blocks.push(addedLines(tool, output));
  for (const tool of removed) {
    blocks.push([heading('red', '-', tool, output), `    ${visibleLine(whyRemoved(tool))}`]);
  }
  for (const tool of changed) {
    const lines = [heading('yellow', '~', tool, output)];
    for (const { part, before, after } of tool.texts) lines.push(...wordLines(part, before, after, output));
    for (const change of [...tool.schema, ...tool.unpublished]) lines.push(...schemaLines(change, output));
    blocks.push(lines);
  }
  const counts = [
    `${added.length} added`,
    `${removed.length} removed`,
    `${count(changed.length, 'tool')} changed`,
  ].join(', ');
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n\n${counts}.`;
}

function addedLines(tool: PublishedTool, output: Output): string[] {
  const { title, description, inputSchema, outputSchema } = tool;
  const lines = [
    heading('green', '+', tool, output),
    ...indented('title', visibleLine(title)),
    ...indented('description', visible(description)),
  ];
  const nothing = { type: 'object' };
  const changes = [
    ...schemaChanges(nothing, inputSchema, 'parameters'),
    ...schemaChanges(nothing, outputSchema ?? nothing, 'output'),
  ];
  return [...lines, ...changes.flatMap((change) => schemaLines(change, output))];
}

function heading(
  style: 'green' | 'red' | 'yellow',
  sign: string,
  { name, ref }: { readonly name: string; readonly ref: ToolRef },
  output: Output,
): string {
  return `${output.paint(style, `${sign} ${visibleLine(name)}`)}  ${visibleLine(origin(ref))}`;
}

function schemaLines({ path, keyword, before, after }: SchemaChange, output: Output): string[] {
  const at = visibleLine(path);
  if (keyword !== undefined && typeof before === 'string' && typeof after === 'string') {
    return wordLines(`${at}: ${visibleLine(keyword)}`, before, after, output);
  }
  const subject = keyword === undefined ? at : `${at}: ${visibleLine(keyword)}`;
  if (before === undefined) return [`    ${subject} ${output.paint('green', `added: ${shown(after)}`)}`];
  if (after === undefined) return [`    ${subject} ${output.paint('red', `removed: ${shown(before)}`)}`];
  return [`    ${subject} ${output.paint('red', shown(before))} → ${output.paint('green', shown(after))}`];
}

function wordLines(label: string, before: string, after: string, output: Output): string[] {
  const text = compareWords(before, after)
    .map(({ kind, text: words }) => {
      if (kind === 'same') return visible(words);
      return kind === 'removed'
        ? output.paint('red', `[-${visible(words)}-]`)
        : output.paint('green', `{+${visible(words)}+}`);
    })
    .join('');
  return indented(label, text);
}

function indented(label: string, text: string): string[] {
  const [first = '', ...rest] = text.split('\n');
  return [`    ${label}: ${first}`, ...rest.map((line) => (line === '' ? '' : `      ${line}`))];
}

function shown(value: Json | undefined): string {
  if (value === true) return 'yes';
  if (value === false) return 'no';
  return visible(value === undefined ? 'nothing' : writeJson(value));
}
