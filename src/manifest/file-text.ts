import { Document, type ScalarTag } from 'yaml';
import type { ManifestFile } from './file-schema.ts';
import { replaceHidden, visible } from './invisible-characters.ts';

/** The first line of every file; what does not begin with it was written by somebody else. */
export const FIRST_LINE =
  '# Approved tools of one Dify provider, written by "dify-mcp-bridge manifest pull".';

const HEADER = `${FIRST_LINE}
# Review a change of this file as you would review code, and do not edit it: pull again instead.
#   published  what MCP clients and models are shown; the hash is taken over all of it
#   dify       Dify's declaration of the tool, from which it is published
`;

/** Begins or ends in space, or has a line of nothing else: what a block of lines does not show, or not keep. */
const EDGY = /^\s|(?:^|\n)[ \t]+(?:\n|$)|\n\n$/;

/** Texts with characters that no reader would see: quoted, with those characters as escapes. */
const HIDING_TEXT: ScalarTag = {
  tag: 'tag:yaml.org,2002:str',
  default: true,
  identify: (value) => typeof value === 'string' && (EDGY.test(value) || visible(value) !== value),
  resolve: (text) => text,
  stringify: ({ value }) => quoteHidden(String(value)),
};

/**
 * The text of a file. The same content always gives the same text: keys in the order of the layout, one value
 * a line and no line wrapped, so that a change shows as the lines that changed.
 */
export function manifestFileText(file: ManifestFile): string {
  const document = new Document(file, {
    schema: 'core',
    aliasDuplicateObjects: false,
    customTags: (tags) => [HIDING_TEXT, ...tags],
  });
  return `${HEADER}${document.toString({ lineWidth: 0, indentSeq: true })}`;
}

/** JSON, whose strings are YAML too, with every hidden character as an escape of YAML. */
function quoteHidden(text: string): string {
  return replaceHidden(JSON.stringify(text), (codePoint) =>
    codePoint > 0xffff
      ? `\\U${codePoint.toString(16).padStart(8, '0')}`
      : `\\u${codePoint.toString(16).padStart(4, '0')}`,
  );
}
