import * as z from 'zod';
import { viewLimits } from './limit-settings.ts';
import { choice, durationOrOff, flag, list, LIST_ERROR, text, wholeNumber } from './fields.ts';
import { matcher, preset, RESULT_FIELDS } from './preset-fields.ts';
import { kinds, optional, setting } from './setting.ts';

const AUTO_SIZES = {
  tools: wholeNumber(1, 100_000).default(80),
  tokens: wholeNumber(1, 100_000_000).default(20_000),
};
const AUTO_ERROR = { error: 'expected an object with tools and tokens' };

const HAND_OFF_AFTER = durationOrOff('100ms', '1h');
const HAND_OFF_ERROR = {
  error: 'expected off, a duration with its unit such as 50s, or an object with after and withProgress',
};

/** A duration or `off` is short for an object that sets `after` alone. */
const handOff = z
  .union(
    [
      HAND_OFF_AFTER.transform((after) => ({ after, withProgress: false })),
      z.strictObject({ after: HAND_OFF_AFTER.prefault('50s'), withProgress: flag.default(false) }),
    ],
    HAND_OFF_ERROR,
  )
  .register(kinds, { kind: 'duration' });

/** The same for a view, which inherits what it does not set. */
const viewHandOff = z.union(
  [
    HAND_OFF_AFTER.transform((after) => ({ after })),
    z.strictObject({ after: z.exactOptional(HAND_OFF_AFTER), withProgress: z.exactOptional(flag) }),
  ],
  HAND_OFF_ERROR,
);

const matchers = z.array(matcher, { error: LIST_ERROR });

/** The settings of the default view. */
export const tools = z.strictObject({
  names: setting(choice(['qualified', 'bare']), 'qualified').describe(
    "qualified: provider__tool. bare: the tool's own name if no other tool has it.",
  ),
  maxNameLength: setting(wholeNumber(20, 64), 44).describe(
    'Longest name of a tool. Clients add a prefix and allow 60 or 64 characters in all.',
  ),
  languages: setting(list.min(1, { error: 'expected at least one language' }), ['en_US']).describe(
    "Languages of titles and descriptions, preferred first, in Dify's spelling (zh_Hans).",
  ),
  pageSize: optional(wholeNumber(1, 10_000), { use: 'large' }).describe(
    'Tools on one page of tools/list. Without it, one page has all.',
  ),
  formParameters: setting(choice(['preset', 'publish']), 'preset').describe(
    'preset: parameters meant for the operator come from presets. publish: callers set them.',
  ),
  unauthorized: setting(choice(['brief', 'publish', 'hide']), 'brief').describe(
    'Tools whose provider has no credentials in Dify. brief: listed by name and title until it has. publish: listed in full.',
  ),
  mode: setting(choice(['list', 'search', 'auto']), 'list', { use: 'everyday' }).describe(
    'list: clients see every tool. search: clients see tools that search and call. auto: search above a size.',
  ),
  auto: setting(
    z.strictObject(AUTO_SIZES, AUTO_ERROR),
    { tools: 80, tokens: 20_000 },
    { use: 'large' },
  ).describe('The sizes, in tools and in estimated tokens, above which auto uses search.'),
  pinned: setting(matchers, [], { use: 'large' }).describe(
    'Tools that mode search still lists by name, and that maxTools publishes first.',
  ),
  deny: setting(matchers, [], { use: 'everyday' }).describe(
    'Tools that are not published, even if allow matches them: names with * and ?, or facts of a tool.',
  ),
  allow: setting(matchers, [], { use: 'everyday' }).describe(
    'The only tools that are published. If empty, all are.',
  ),
  readOnly: setting(flag, false).describe(
    'Publish only tools whose preset declares that they change nothing.',
  ),
  maxTools: optional(wholeNumber(1, 100_000), { use: 'large' }).describe(
    'Most tools to publish: pinned ones first, then by name.',
  ),
  handOff: setting(handOff, '50s', { use: 'everyday' }).describe(
    'Calls that run longer than this return a call ID at once and continue in the background; get_call_result fetches the result. off disables this. In the file also { after: 50s, withProgress: true }, which hands off calls even if the client requested progress.',
  ),
  sounds: setting(choice(['inline', 'link']), 'inline', { use: 'results' }).describe(
    'Sounds in results. inline: audio content. link: resource links, for clients that fail on audio, such as LangChain and the AI SDK.',
  ),
  maxInlineBytes: setting(RESULT_FIELDS.maxInlineBytes, '1MB', { use: 'results' }).describe(
    'Largest total size of the images and sounds in one result; what exceeds it is stored and linked to.',
  ),
  maxImageBytes: optional(RESULT_FIELDS.maxImageBytes, { use: 'results' }).describe(
    'Largest single image or sound in a result. Default: seven tenths of maxInlineBytes.',
  ),
  maxTextChars: setting(RESULT_FIELDS.maxTextChars, 100_000, { use: 'results' }).describe(
    'Most characters of text in one result, including text files; the full text is stored as a file.',
  ),
  presets: setting(
    z.record(z.string(), preset, {
      error: 'expected an object: the name of a tool or a glob, then its preset',
    }),
    {},
    { use: 'everyday' },
  ).describe('Values, texts and annotations, by the published name of a tool or by a glob.'),
  aliases: setting(
    z.record(z.string(), text, { error: 'expected an object: an old name, then the current one' }),
    {},
  ).describe('Old names under which tools can still be called, each with the current name.'),
});

/** Returns the same settings, all optional. */
export function withoutDefaults<
  T extends Readonly<Record<string, z.ZodType & { unwrap(): z.core.$ZodType }>>,
>(shape: T) {
  const leaves = Object.entries(shape).map(([name, leaf]) => {
    const plain = z.exactOptional(leaf.unwrap());
    return [name, leaf.description === undefined ? plain : plain.describe(leaf.description)];
  });
  return Object.fromEntries(leaves) as {
    [Name in keyof T]: z.ZodExactOptional<ReturnType<T[Name]['unwrap']>>;
  };
}

export const SETTINGS_ERROR = { error: 'expected settings, each as "name: value"' };

/** A further view. It inherits from `tools` what it does not set. */
export const view = z.strictObject(
  {
    ...withoutDefaults(tools.shape),
    auto: z
      .exactOptional(z.strictObject(withoutDefaults(AUTO_SIZES), AUTO_ERROR))
      .describe(tools.shape.auto.description ?? ''),
    handOff: z.exactOptional(viewHandOff).describe(tools.shape.handOff.description ?? ''),
    limits: z.exactOptional(viewLimits).describe('The limits of this view, in place of those under limits.'),
  },
  SETTINGS_ERROR,
);

const viewName = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/, { error: 'the name of a view has at most 32 of a-z, 0-9 and -' })
  .refine((name) => name !== 'default', { error: 'the default view is described under tools' });

/** The other views, by name. */
export const views = setting(
  z.record(viewName, view, { error: 'expected an object: the name of a view, then its settings' }),
  {},
).describe('Further views, served at /mcp/NAME. A view inherits from tools what it does not set.');
