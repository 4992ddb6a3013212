import * as z from 'zod';
import type { Json } from '../model/json.ts';
import { PROVIDER_TYPES } from '../model/tool.ts';
import { choice, flag, size, text, uuid, wholeNumber } from './fields.ts';

/** Limits for the files and text in a result: for a view, and by preset for a tool. */
export const RESULT_FIELDS = {
  maxImageBytes: size('0B', '64MiB'),
  maxInlineBytes: size('0B', '64MiB'),
  maxTextChars: wholeNumber(1000, 100_000_000),
};

const glob = text.describe('* matches any characters, ? matches one.');

/** Returns a member that may be absent. */
function member<T extends z.ZodType>(schema: T, description: string): z.ZodExactOptional<T> {
  return z.exactOptional(schema.describe(description));
}

/** Which tools a rule applies to: a glob on the name, or several facts that must all match. */
export const matcher = z.union(
  [
    glob,
    z
      .strictObject({
        name: member(glob, 'The name of the tool.'),
        provider: member(glob, "The provider's id or name."),
        tool: member(glob, "The tool's own name in Dify."),
        type: member(choice(PROVIDER_TYPES), 'The kind of provider.'),
        label: member(glob, "A label as Dify shows it: the tool's, the provider's or a tag."),
      })
      .refine((facts) => Object.keys(facts).length > 0, {
        error: 'expected at least one of name, provider, tool, type and label',
      }),
  ],
  { error: 'expected a name with * and ? as wildcards (in quotes), or name, provider, tool, type, label' },
);

const QUOTED = 'a number beyond 2^53 must be in quotes';
/** Any JSON, with an error for what YAML has besides. */
const json: z.ZodType<Json> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)], {
    error: ({ input }) => (typeof input === 'bigint' ? QUOTED : 'expected a value of JSON'),
  }),
);
const value = z.union([z.string(), z.number(), z.boolean()], {
  error: ({ input }) => (typeof input === 'bigint' ? QUOTED : 'expected a text or a number'),
});
const values = z
  .array(value, { error: 'expected a list of values' })
  .min(1, { error: 'expected at least one value' });
const limit = z.number({
  error: ({ input }) => (typeof input === 'bigint' ? 'expected a number up to 2^53' : 'expected a number'),
});

const narrowing = z
  .strictObject(
    {
      enum: member(values, 'The values that callers may choose.'),
      minimum: member(limit, 'Smallest value.'),
      maximum: member(limit, 'Largest value.'),
      description: member(text, 'Description of the parameter for models.'),
    },
    { error: 'expected an object with enum, minimum, maximum or description' },
  )
  .refine(({ minimum, maximum }) => minimum === undefined || maximum === undefined || minimum <= maximum, {
    error: 'minimum is larger than maximum',
  });

const results = z.strictObject(
  {
    maxImageBytes: member(RESULT_FIELDS.maxImageBytes, 'Limit for one image or sound.'),
    maxInlineBytes: member(RESULT_FIELDS.maxInlineBytes, 'Limit for all images and sounds together.'),
    maxTextChars: member(RESULT_FIELDS.maxTextChars, 'Limit for all text.'),
  },
  { error: 'expected an object with maxImageBytes, maxInlineBytes or maxTextChars' },
);

/** An operator's decisions about one tool, or about all that a glob matches. */
export const preset = z
  .strictObject(
    {
      parameters: z
        .record(z.string(), json, {
          error: 'expected an object: the name of a parameter, then its value',
        })
        .default({})
        .describe('Fixed values by the name of the parameter.'),
      overridable: member(flag, 'Whether a caller may give another value.'),
      publish: member(
        z.array(text, { error: 'expected a list of parameters' }),
        'Parameters meant for the operator that callers set instead.',
      ),
      narrow: member(
        z.record(z.string(), narrowing, { error: 'expected an object: a parameter, then its restriction' }),
        'Restrictions on the values that callers may pass.',
      ),
      credentialId: member(uuid, 'Which credential of the provider the calls use.'),
      credential: member(text, 'The name of that credential in Dify, in place of credentialId.'),
      results: member(results, 'Limits for the files and text inside a result; override those of the view.'),
      title: member(text, "Title instead of Dify's label."),
      description: member(text, "Description instead of Dify's."),
      readOnly: member(flag, 'The tool changes nothing.'),
      destructive: member(flag, 'The tool may delete or overwrite.'),
      idempotent: member(flag, 'Calling it twice with the same arguments changes no more.'),
    },
    { error: 'expected an object, such as "parameters: { units: metric }"' },
  )
  .refine(({ credential, credentialId }) => credential === undefined || credentialId === undefined, {
    error: 'credential and credentialId name the same thing: give one of them',
  })
  .refine(({ readOnly, destructive }) => !(readOnly === true && destructive === true), {
    error: 'readOnly and destructive exclude each other',
  });
