import { parameter } from './declaration.ts';
import { text, ToolFailure } from './messages.ts';
import { textOf } from './parameter-values.ts';
import { builtinProvider, defineTool, type SandboxProvider } from './provider.ts';

const breakMidway = defineTool(
  'break_midway',
  { label: 'Break midway', description: 'Answers half of its text and then fails, on purpose.' },
  async function* () {
    yield text('Half of the answer came through.');
    throw new ToolFailure('The other half got lost on purpose.');
  },
);

const needSetting = defineTool(
  'need_setting',
  {
    label: 'Needs a setting',
    description:
      'Greets in the name of a team that an operator has to set; without it Dify refuses the call.',
    parameters: [
      parameter('team', {
        label: 'Team',
        required: true,
        form: 'form',
        description: 'The team in whose name the tool speaks. It has no default.',
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
  description: 'Sends letters, once the workspace has a key for it.',
  labels: ['social'],
  credentialFields: ['api_key'],
  tools: [
    defineTool(
      'send_letter',
      {
        label: 'Send a letter',
        description: 'Drops a letter into a postbox that exists in this sandbox only.',
        parameters: [
          parameter('to', { label: 'To', required: true, description: 'Who gets the letter.' }),
          parameter('body', { label: 'Letter', required: true, description: 'What the letter says.' }),
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
