import type { FileParameter, PublishedTool } from '../model/registry.ts';
import type { LocalizedText } from '../model/tool.ts';
import type { NamedTool } from './names.ts';
import { deepFreeze } from './publish-schema.ts';
import type { Preset, RegistryRules } from './rules.ts';
import { cutAtWord, lettersOf, listed, MAX_DESCRIPTION, pickText, tidy, withRemark } from './text.ts';

/** The longest part of a note in a description, such as a label or a list of files, in characters. */
const MAX_NOTE_PART = 120;
/** The longest title, in characters: clients show it on one line. */
const MAX_TITLE = 128;

const UNAUTHORIZED = 'Not usable yet: its provider must first be authorised in Dify.';

/** Returns the title of the preset, the tool's label in the preferred language, or its name. */
export function titleOf({ tool }: NamedTool, languages: readonly string[], preset?: Preset): string {
  return oneLine(tidy(preset?.title) || pickText(tool.label, languages) || tidy(tool.name) || tool.name);
}

/** Returns a text as a title, on one line: in a list, a second line could look like another tool. */
function oneLine(text: string): string {
  return cutAtWord(text.replace(/[\n\t\u2028\u2029]+/g, ' '), MAX_TITLE);
}

/** Returns the provider's label in the preferred language, or its name or ID. */
export function providerLabelOf({ provider }: NamedTool, languages: readonly string[]): string {
  return oneLine(pickText(provider.label, languages) || tidy(provider.name) || tidy(provider.id));
}

/** Returns the texts in Dify other than the published ones; undefined if there are none. */
export function otherTextsOf(
  { tool, provider }: NamedTool,
  languages: readonly string[],
  title: string,
  providerLabel: string,
): PublishedTool['otherTexts'] {
  const texts = {
    title: textsBeside(tool.label, title, oneLine),
    provider: textsBeside(provider.label, providerLabel, oneLine),
    description: textsBeside(tool.description, pickText(tool.description, languages)),
  };
  return Object.values(texts).some((list) => list.length > 0) ? deepFreeze(texts) : undefined;
}

function textsBeside(
  text: LocalizedText,
  published: string,
  shortened: (text: string) => string = (whole) => whole,
): string[] {
  const texts = new Set(Object.values(text).map((each) => shortened(tidy(each))));
  return [...texts].filter((each) => each !== '' && each !== published);
}

/**
 * Returns the description for a model: the tool's own description, then notes on how to use it. At most 1,024 UTF-16
 * units; only the tool's own text is ever cut. `files` are the arguments that take files. A preset's description
 * replaces everything, unless the tool cannot be used.
 */
export function describeTool(
  named: NamedTool,
  files: readonly FileParameter[],
  { languages, names }: Pick<RegistryRules, 'languages' | 'names'>,
  preset?: Preset,
): string {
  const given = tidy(preset?.description);
  if (given !== '') {
    return named.provider.authorized
      ? cutAtWord(given, MAX_DESCRIPTION)
      : withRemark(given, UNAUTHORIZED, '\n\n');
  }
  const own = pickText(named.tool.description, languages) || titleOf(named, languages);
  const notes =
    names === 'qualified' && namesProvider(named, providerLabelOf(named, languages))
      ? []
      : [originNote(named, languages)];
  if (named.provider.type === 'workflow') {
    notes.push('May take minutes.');
  }
  const refused = files.find((file) => file.refused !== undefined);
  if (refused?.refused !== undefined) {
    notes.push(`${refused.refused} Calls with ${refused.name} are refused.`);
  }
  if (!named.provider.authorized) {
    notes.push(UNAUTHORIZED);
  }
  return withRemark(own, notes.join(' '), '\n\n');
}

/** Returns where a tool comes from, as one sentence. */
export function originNote(named: NamedTool, languages: readonly string[]): string {
  const label = listed([providerLabelOf(named, languages)], MAX_NOTE_PART);
  const { type, id } = named.provider;
  switch (type) {
    case 'builtin':
      return id.includes('/') ? `From the Dify plugin ${label}.` : `Built into Dify (${label}).`;
    case 'workflow':
      // A workflow is a provider with one tool, which has the same label.
      return label === titleOf(named, languages) ? 'A Dify workflow.' : `The Dify workflow ${label}.`;
    case 'api':
      return `From the custom API ${label} in Dify.`;
    default:
      return `From the MCP server ${label}, through Dify.`;
  }
}

/** Returns whether the qualified name of a tool contains its provider's label, or a word of it. */
function namesProvider({ provider, qualifiedName }: NamedTool, label: string): boolean {
  const name = lettersOf(qualifiedName);
  const words = label.split(/[^\p{L}\d]+|(?<=\p{Ll})(?=\p{Lu})/u).filter((word) => word.length >= 4);
  const found = [label, ...words].map(lettersOf).some((letters) => letters !== '' && name.includes(letters));
  return provider.type !== 'workflow' && found;
}
