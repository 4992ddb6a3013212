import * as z from 'zod';
import { PROVIDER_TYPES } from '../model/tool.ts';
import { choice, flag, size, text, uuid, wholeNumber } from './fields.ts';

/** Limits for the files and text in a result: for a view, and by preset for a tool. */
export const RESULT_FIELDS = {
  maxImageBytes: size('0B', '64MiB'),
  maxInlineBytes: size('0B', '64MiB'),
  maxTextChars: wholeNumber(1000, 100_000_000),
};

const glob = text.describe('* matches any characters, ? matches one.');

/** Which tools a rule applies to: a glob on the name, or several facts that must all match. */
export const matcher = z.union(
  [
    glob,
    z
      .strictObject({
        name: z.exactOptional(glob.describe('The name of the tool.')),
        provider: z.exactOptional(glob.describe("The provider's id or name.")),
        tool: z.exactOptional(glob.describe("The tool's own name in Dify.")),
        type: z.exactOptional(choice(PROVIDER_TYPES).describe('The kind of provider.')),
        label: z.exactOptional(
          glob.describe("A label as Dify shows it: the tool's, the provider's or a tag."),
        ),
      })
      .refine((facts) => Object.keys(facts).length > 0, {
        error: 'expected at least one of name, provider, tool, type and label',
      }),
  ],
  { error: 'expected a name with * and ? as wildcards (in quotes), or name, provider, tool, type, label' },
);

const narrowing = z
  .strictObject(
    {
      enum: z.exactOptional(
        z
          .array(z.union([z.string(), z.number(), z.boolean()], { error: 'expected a text or a number' }), {
            error: 'expected a list of values',
          })
          .min(1, { error: 'expected at least one value' })
          .describe('The values that callers may choose.'),
      ),
      minimum: z.exactOptional(z.number({ error: 'expected a number' }).describe('Smallest value.')),
      maximum: z.exactOptional(z.number({ error: 'expected a number' }).describe('Largest value.')),
      description: z.exactOptional(text.describe('Description of the parameter for models.')),
    },
    { error: 'expected an object with enum, minimum, maximum or description' },
  )
  .refine(({ minimum, maximum }) => minimum === undefined || maximum === undefined || minimum <= maximum, {
    error: 'minimum is larger than maximum',
  });

/** An operator's decisions about one tool, or about all that a glob matches. */
export const preset = z
  .strictObject(
    {
      parameters: z
        .record(z.string(), z.json(), {
          error: 'expected an object: the name of a parameter, then its value',
        })
        .default({})
        .describe('Fixed values by the name of the parameter.'),
      overridable: z.exactOptional(flag.describe('Whether a caller may give another value.')),
      publish: z.exactOptional(
        z
          .array(text, { error: 'expected a list of parameters' })
          .describe('Parameters meant for the operator that callers set instead.'),
      ),
      narrow: z.exactOptional(
        z
          .record(z.string(), narrowing, {
            error: 'expected an object: a parameter, then its restriction',
          })
          .describe('Restrictions on the values that callers may pass.'),
      ),
      credentialId: z.exactOptional(uuid.describe('Which credential of the provider the calls use.')),
      credential: z.exactOptional(text.describe('The same, by the name that Dify shows.')),
      results: z.exactOptional(
        z
          .strictObject(
            {
              maxImageBytes: z.exactOptional(
                RESULT_FIELDS.maxImageBytes.describe('Limit for one image or sound.'),
              ),
              maxInlineBytes: z.exactOptional(
                RESULT_FIELDS.maxInlineBytes.describe('Limit for all of them.'),
              ),
              maxTextChars: z.exactOptional(RESULT_FIELDS.maxTextChars.describe('All text.')),
            },
            { error: 'expected an object with maxImageBytes, maxInlineBytes or maxTextChars' },
          )
          .describe('Limits for the files and text inside a result; override those of the view.'),
      ),
      title: z.exactOptional(text.describe("Title instead of Dify's label.")),
      description: z.exactOptional(text.describe("Description instead of Dify's.")),
      readOnly: z.exactOptional(flag.describe('The tool changes nothing.')),
      destructive: z.exactOptional(flag.describe('The tool may delete or overwrite.')),
      idempotent: z.exactOptional(flag.describe('Calling it twice with the same arguments changes no more.')),
    },
    { error: 'expected an object, such as "parameters: { units: metric }"' },
  )
  .refine(({ credential, credentialId }) => credential === undefined || credentialId === undefined, {
    error: 'credential and credentialId name the same thing: give one of them',
  })
  .refine(({ readOnly, destructive }) => !(readOnly === true && destructive === true), {
    error: 'readOnly and destructive exclude each other',
  });
