import { Document, type ScalarTag } from 'yaml';
import type { ManifestFile } from './file-schema.ts';
import { replaceHidden, visible } from '../model/invisible-characters.ts';

/** The first line of every file; a file without it is not ours. */
export const FIRST_LINE =
  '# Approved tools of one Dify provider, written by "dify-mcp-bridge manifest pull".';

const HEADER = `${FIRST_LINE}
# Review a change of this file as you would review code, and do not edit it: pull again instead.
#   published  what MCP clients and models are shown; the hash is taken over all of it
#   dify       Dify's declaration of the tool, from which it is published
`;

/** Texts that begin or end in space, or have a line of only spaces: a block of lines would hide or lose those. */
const EDGY = /^\s|(?:^|\n)[ \t]+(?:\n|$)|\n\n$/;

/** Texts with invisible characters are quoted, with those characters as escapes. */
const HIDING_TEXT: ScalarTag = {
  tag: 'tag:yaml.org,2002:str',
  default: true,
  identify: (value) => typeof value === 'string' && (EDGY.test(value) || visible(value) !== value),
  resolve: (text) => text,
  stringify: ({ value }) => quoteHidden(String(value)),
};

/** Returns the text of a file: keys in layout order, one value a line, no wrapping, so that diffs are exact. */
export function manifestFileText(file: ManifestFile): string {
  const document = new Document(file, {
    schema: 'core',
    aliasDuplicateObjects: false,
    customTags: (tags) => [HIDING_TEXT, ...tags],
  });
  return `${HEADER}${document.toString({ lineWidth: 0, indentSeq: true })}`;
}

/** Returns a JSON string, which is also YAML, with every hidden character escaped. */
function quoteHidden(text: string): string {
  return replaceHidden(JSON.stringify(text), (codePoint) =>
    codePoint > 0xffff
      ? `\\U${codePoint.toString(16).padStart(8, '0')}`
      : `\\u${codePoint.toString(16).padStart(4, '0')}`,
  );
}
