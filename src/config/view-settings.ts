import * as z from 'zod';
import { choice, durationOrOff, flag, list, text, wholeNumber } from './fields.ts';
import { matcher, preset } from './preset-fields.ts';
import { RESULT_FIELDS } from './result-fields.ts';
import { optional, setting } from './setting.ts';

const LIST_ERROR = 'expected a list (in an environment variable, separated by commas)';

/** What a view decides; `tools` gives each a default, and a view of its own may give another. */
const VIEW_FIELDS = {
  names: choice(['qualified', 'bare']),
  maxNameLength: wholeNumber(20, 64),
  languages: list.min(1, { error: 'expected at least one language' }),
  pageSize: wholeNumber(1, 10_000),
  formParameters: choice(['preset', 'publish']),
  unauthorized: choice(['publish', 'hide']),
  mode: choice(['list', 'search', 'auto']),
  pinned: z.array(matcher, { error: LIST_ERROR }),
  allow: z.array(matcher, { error: LIST_ERROR }),
  deny: z.array(matcher, { error: LIST_ERROR }),
  readOnly: flag,
  maxTools: wholeNumber(1, 100_000),
  handOff: durationOrOff('100ms', '1h'),
  handOffWithProgress: flag,
  ...RESULT_FIELDS,
  presets: z.record(z.string(), preset, {
    error: 'expected an object: the name of a tool or a glob, then its preset',
  }),
  aliases: z.record(z.string(), text, { error: 'expected an object: an old name, then the present one' }),
};

const autoFields = { tools: wholeNumber(1, 100_000), tokens: wholeNumber(1, 100_000_000) };

/** The settings of the default view. */
export const tools = z.strictObject({
  names: setting(VIEW_FIELDS.names, 'qualified', {
    kind: 'choice',
    env: 'DIFY_BRIDGE_TOOLS_NAMES',
    description: "qualified: provider__tool. bare: the tool's own name where no other tool has it.",
  }),
  maxNameLength: setting(VIEW_FIELDS.maxNameLength, 44, {
    kind: 'number',
    env: 'DIFY_BRIDGE_TOOLS_MAX_NAME_LENGTH',
    description: 'Longest name of a tool. Clients put a prefix of their own before it and stop at 60 or 64.',
  }),
  languages: setting(VIEW_FIELDS.languages, ['en_US'], {
    kind: 'list',
    env: 'DIFY_BRIDGE_TOOLS_LANGUAGES',
    description: "Languages of titles and descriptions, the preferred first, in Dify's spelling (zh_Hans).",
  }),
  pageSize: optional(VIEW_FIELDS.pageSize, {
    kind: 'number',
    env: 'DIFY_BRIDGE_TOOLS_PAGE_SIZE',
    description: 'Tools on one page of tools/list. Without it, all come at once.',
  }),
  formParameters: setting(VIEW_FIELDS.formParameters, 'preset', {
    kind: 'choice',
    env: 'DIFY_BRIDGE_TOOLS_FORM_PARAMETERS',
    description: 'preset: parameters meant for the operator come from presets. publish: callers set them.',
  }),
  unauthorized: setting(VIEW_FIELDS.unauthorized, 'publish', {
    kind: 'choice',
    env: 'DIFY_BRIDGE_TOOLS_UNAUTHORIZED',
    description: 'What happens to tools whose provider has no credentials in Dify.',
  }),
  mode: setting(VIEW_FIELDS.mode, 'list', {
    kind: 'choice',
    env: 'DIFY_BRIDGE_TOOLS_MODE',
    description:
      'list: clients see every tool. search: they see tools that search and call. auto: search from a size on.',
  }),
  auto: setting(
    z.strictObject(
      { tools: autoFields.tools.default(80), tokens: autoFields.tokens.default(20_000) },
      { error: 'expected an object with tools and tokens' },
    ),
    { tools: 80, tokens: 20_000 },
    { kind: 'object', description: 'The sizes, in tools and in estimated tokens, past which auto searches.' },
  ),
  pinned: setting(VIEW_FIELDS.pinned, [], {
    kind: 'list',
    env: 'DIFY_BRIDGE_TOOLS_PINNED',
    description: 'Tools that stay listed by name in mode search, and come first under maxTools.',
  }),
  deny: setting(VIEW_FIELDS.deny, [], {
    kind: 'list',
    env: 'DIFY_BRIDGE_TOOLS_DENY',
    description: 'Tools that are not published, whatever allow says: names with * and ?, or facts of a tool.',
  }),
  allow: setting(VIEW_FIELDS.allow, [], {
    kind: 'list',
    env: 'DIFY_BRIDGE_TOOLS_ALLOW',
    description: 'The only tools that are published. Without any, all are.',
  }),
  readOnly: setting(VIEW_FIELDS.readOnly, false, {
    kind: 'boolean',
    env: 'DIFY_BRIDGE_TOOLS_READ_ONLY',
    description: 'Publish only tools whose preset declares that they change nothing.',
  }),
  maxTools: optional(VIEW_FIELDS.maxTools, {
    kind: 'number',
    env: 'DIFY_BRIDGE_TOOLS_MAX_TOOLS',
    description: 'Tools that are published at most: the pinned ones first, then by name.',
  }),
  handOff: setting(VIEW_FIELDS.handOff, '50s', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_TOOLS_HAND_OFF',
    description:
      'A call that takes longer is answered with a call id while it goes on; get_call_result has its result. Or off.',
  }),
  handOffWithProgress: setting(VIEW_FIELDS.handOffWithProgress, false, {
    kind: 'boolean',
    env: 'DIFY_BRIDGE_TOOLS_HAND_OFF_WITH_PROGRESS',
    description:
      'Hand calls off also where the client asked for progress: for clients that give up in spite of it.',
  }),
  maxImageBytes: setting(VIEW_FIELDS.maxImageBytes, '700KB', {
    kind: 'size',
    env: 'DIFY_BRIDGE_TOOLS_MAX_IMAGE_BYTES',
    description: 'Largest image or sound that stands in a result itself; larger ones are kept and linked to.',
  }),
  maxInlineBytes: setting(VIEW_FIELDS.maxInlineBytes, '1MB', {
    kind: 'size',
    env: 'DIFY_BRIDGE_TOOLS_MAX_INLINE_BYTES',
    description: 'Images and sounds that stand in one result together.',
  }),
  maxTextChars: setting(VIEW_FIELDS.maxTextChars, 100_000, {
    kind: 'number',
    env: 'DIFY_BRIDGE_TOOLS_MAX_TEXT_CHARS',
    description:
      'Characters of text in one result, that of text files included; the whole is kept as a file.',
  }),
  presets: setting(
    VIEW_FIELDS.presets,
    {},
    {
      kind: 'object',
      description: 'Values, texts and effects by the published name of a tool, or by a glob.',
    },
  ),
  aliases: setting(
    VIEW_FIELDS.aliases,
    {},
    {
      kind: 'object',
      description: 'Old names under which tools can still be called, each with the present one.',
    },
  ),
});

/** A view beside the default one: what it does not give, it takes from `tools`. */
const view = z.strictObject(
  {
    ...viewLeaves(),
    auto: z.exactOptional(
      z
        .strictObject(
          { tools: z.exactOptional(autoFields.tools), tokens: z.exactOptional(autoFields.tokens) },
          { error: 'expected an object with tools and tokens' },
        )
        .describe(tools.shape.auto.description ?? ''),
    ),
  },
  { error: 'expected settings, each as "name: value"' },
);

function viewLeaves() {
  const leaves = Object.entries(VIEW_FIELDS).map(([name, schema]) => {
    const { description = '' } = tools.shape[name as keyof typeof VIEW_FIELDS];
    return [name, z.exactOptional<z.ZodType>(schema).describe(description)];
  });
  return Object.fromEntries(leaves) as {
    [Name in keyof typeof VIEW_FIELDS]: z.ZodExactOptional<(typeof VIEW_FIELDS)[Name]>;
  };
}

const viewName = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/, { error: 'the name of a view has at most 32 of a-z, 0-9 and -' })
  .refine((name) => name !== 'default', { error: 'the default view is described under tools' });

/** The other views by name. */
export const views = setting(
  z.record(viewName, view, { error: 'expected an object: the name of a view, then its settings' }),
  {},
  {
    kind: 'object',
    description: 'Further views, served at /mcp/NAME. What one does not give, it takes from tools.',
  },
);
