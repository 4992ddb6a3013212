import { parameter } from './declaration.ts';
import { text, ToolFailure } from './messages.ts';
import { textOf } from './parameter-values.ts';
import { builtinProvider, defineTool, type SandboxProvider } from './provider.ts';

const breakMidway = defineTool(
  'break_midway',
  { label: 'Break midway', description: 'Returns half of its text, then fails on purpose.' },
  async function* () {
    yield text('The first half of the text.');
    throw new ToolFailure('The second half is missing on purpose.');
  },
);

const needSetting = defineTool(
  'need_setting',
  {
    label: 'Needs a setting',
    description: 'Sends greetings from a team, which the operator must set; otherwise Dify refuses the call.',
    parameters: [
      parameter('team', {
        label: 'Team',
        required: true,
        form: 'form',
        description: 'The team that sends the greetings. It has no default.',
      }),
    ],
  },
  async function* (given) {
    yield text(`Greetings from team ${textOf(given, 'team')}.`);
  },
);

/** A plugin whose tools fail in ways that clients must handle. */
export const mishapsProvider: SandboxProvider = builtinProvider('paperkite/mishaps/mishaps', {
  label: 'Mishaps',
  description: 'Tools that fail on purpose.',
  labels: ['utilities'],
  tools: [breakMidway, needSetting],
});

/** A plugin that needs credentials; the workspace has none until a test authorises it. */
export const postboxProvider: SandboxProvider = builtinProvider('paperkite/postbox/postbox', {
  label: 'Postbox',
  description: 'Sends letters. The workspace needs a key for it.',
  labels: ['social'],
  credentialFields: ['api_key'],
  tools: [
    defineTool(
      'send_letter',
      {
        label: 'Send a letter',
        description: 'Drops a letter into a postbox that exists only in this sandbox.',
        parameters: [
          parameter('to', { label: 'To', required: true, description: 'Recipient of the letter.' }),
          parameter('body', { label: 'Letter', required: true, description: 'Text of the letter.' }),
        ],
      },
      async function* (given) {
        yield text(
          `A letter of ${textOf(given, 'body').length} characters is on its way to ${textOf(given, 'to')}.`,
        );
      },
    ),
  ],
});
