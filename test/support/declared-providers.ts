import { apiProvider } from '../../src/sandbox/api-provider.ts';
import { type ParameterDeclaration, parameter } from '../../src/sandbox/declaration.ts';
import { text } from '../../src/sandbox/messages.ts';
import { mcpProvider } from '../../src/sandbox/mcp-provider.ts';
import {
  builtinProvider,
  defineTool,
  type SandboxProvider,
  type SandboxTool,
} from '../../src/sandbox/provider.ts';
import { workflowProvider } from '../../src/sandbox/workflow-provider.ts';

/** A tool that nobody calls. */
function declared(
  name: string,
  label: string,
  description: string,
  parameters: readonly ParameterDeclaration[],
): SandboxTool {
  return defineTool(name, { label, description, parameters }, async function* () {
    yield text('');
  });
}

/** 1 tool for what callers fill in, two for what the operator does: with defaults, and without. */
const office = builtinProvider('paperkite/office/office', {
  label: 'Office',
  description: 'Letters, calendars and archives of an office.',
  labels: ['productivity'],
  tools: [
    declared('send_letter', 'Send a letter', 'Sends a letter to one or several people.', [
      parameter('to', {
        required: true,
        description: 'Who gets the letter.',
        llm: 'E-mail addresses, separated by commas.',
      }),
      parameter('body', { required: true, description: 'The text of the letter.', llm: '' }),
      parameter('copies', { type: 'number', min: 1, max: 20, default: 1, description: 'How many are sent.' }),
      parameter('weight', { type: 'number', description: 'In grams.' }),
      parameter('registered', { type: 'boolean', default: false, description: 'Whether it is signed for.' }),
      parameter('urgent', { type: 'checkbox', description: 'Whether it goes first.' }),
      parameter('paper', {
        type: 'select',
        options: ['white', 'cream', 'recycled'],
        default: 'white',
        description: 'What it is printed on.',
      }),
      parameter('attachment', { type: 'file', description: 'One file.' }),
      parameter('enclosures', { type: 'files', description: 'Further files.' }),
      parameter('tags', { type: 'array', description: 'Words to find it by.' }),
      parameter('address', { type: 'object', description: 'Where it goes on paper.' }),
      parameter('note', { type: 'any', description: 'Whatever else is to be known.' }),
      parameter('hologram', { type: 'hologram', description: 'Of a type that no release knows yet.' }),
    ]),
    declared('plan_meeting', 'Plan a meeting', 'Finds a time at which everybody is free.', [
      parameter('people', { required: true, description: 'Names, separated by commas.' }),
      parameter('calendar', { form: 'form', default: 'team', description: 'Which calendar is read.' }),
      parameter('minutes', {
        type: 'number',
        form: 'form',
        required: true,
        default: 30,
        min: 5,
        max: 480,
        description: 'How long it takes.',
      }),
      parameter('room', {
        type: 'select',
        form: 'form',
        options: ['attic', 'harbour', 'garden'],
        default: 'attic',
        description: 'Where it is.',
      }),
      parameter('remote', {
        type: 'boolean',
        form: 'form',
        default: true,
        description: 'With a video call.',
      }),
      parameter('template', { type: 'file', form: 'form', description: 'What the invitation looks like.' }),
      parameter('key', { type: 'secret-input', form: 'form', description: 'Of the calendar service.' }),
    ]),
    declared('word_invitation', 'Word an invitation', 'Words an invitation to a meeting.', [
      parameter('model', { type: 'model-selector', form: 'form', description: 'Who words the invitation.' }),
    ]),
    declared('archive', 'Archive', 'Puts everything away.', []),
  ],
});

const inventory = apiProvider({
  id: '5a4db0c5-0000-4000-8000-0000000000d1',
  name: 'Inventory of the harbour',
  description: 'What lies in which shed.',
  baseUrl: 'http://127.0.0.1:9',
  operations: [
    {
      operationId: 'findItems',
      method: 'get',
      path: '/items',
      summary: 'Finds items.',
      parameters: [
        { name: 'words', in: 'query', required: true, description: 'What to look for.' },
        { name: 'shed', in: 'query', type: 'integer', default: 1 },
        { name: 'fragile', in: 'query', type: 'boolean' },
        { name: 'X-Region', in: 'header', description: 'A region of the coast.' },
        { name: 'colours', in: 'query', type: 'array', description: 'Any of these.' },
      ],
    },
    {
      method: 'delete',
      path: '/items/{itemId}',
      parameters: [{ name: 'itemId', in: 'path', required: true }],
    },
  ],
});

const review = workflowProvider({
  id: '5a4db0c5-0000-4000-8000-0000000000d3',
  appId: '5a4db0c5-0000-4000-8000-0000000000d4',
  name: 'review_report',
  label: 'Review a report',
  description: 'Reads a report and says what is missing in it.',
  inputs: [
    { name: 'title', type: 'string', required: true, maxLength: 80, description: 'Its title.' },
    { name: 'summary', type: 'paragraph', description: 'What it says, in a few sentences.' },
    { name: 'pages', type: 'number', description: 'How long it is.' },
    {
      name: 'tone',
      type: 'select',
      options: ['kind', 'strict'],
      required: true,
      description: 'Of the review.',
    },
    { name: 'final', type: 'checkbox', description: 'Whether it is the last version.' },
    { name: 'document', type: 'file', required: true, description: 'The report.' },
    { name: 'sources', type: 'files', description: 'What it refers to.' },
  ],
  outputs: {
    verdict: { type: 'string', description: 'One sentence.' },
    score: { type: 'number' },
    missing: { type: 'array[string]', description: 'What is missing.' },
    details: { type: 'object' },
  },
  silenceMs: 0,
  run: () => ({}),
});

const lighthouse = mcpProvider({
  serverIdentifier: 'lighthouse',
  databaseId: '5a4db0c5-0000-4000-8000-0000000000d5',
  name: 'Lighthouse',
  tools: [
    {
      name: 'signal-ships',
      description: 'Signals ships at sea.',
      inputSchema: {
        type: 'object',
        properties: {
          message: { type: 'string', description: 'What is signalled.' },
          repeats: { type: 'integer', default: 3, description: 'How often.' },
          area: {
            type: 'object',
            description: 'Where the ships are.',
            properties: {
              north: { type: 'number', minimum: -90, maximum: 90 },
              east: { type: 'number' },
              kind: { enum: ['circle', 'square'] },
            },
            required: ['north', 'east'],
          },
          ships: {
            type: 'array',
            description: 'Only these.',
            items: { type: 'object', properties: { name: { type: 'string' }, flags: { type: 'array' } } },
          },
        },
        required: ['message'],
      },
      outputSchema: {
        type: 'object',
        properties: { seen: { type: 'integer' }, replies: { type: 'array', items: { type: 'string' } } },
        required: ['seen'],
      },
      run: () => ({ content: [] }),
    },
  ],
});

/** Declarations in the shapes of real ones: every kind of provider, and every type of parameter. */
export const declaredProviders: readonly SandboxProvider[] = [office, inventory, review, lighthouse];
