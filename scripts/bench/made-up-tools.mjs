import { parameter } from '../../dist/sandbox/declaration.js';
import { json, text } from '../../dist/sandbox/messages.js';
import { builtinProvider, defineTool } from '../../dist/sandbox/provider.js';

/** Tools of one provider. */
const TOOLS_A_PROVIDER = 20;

const VERBS = ['create', 'find', 'update', 'delete', 'list', 'send', 'export', 'archive', 'compare', 'count'];
const THINGS = [
  'invoice',
  'contact',
  'ticket',
  'message',
  'report',
  'event',
  'page',
  'order',
  'photo',
  'song',
];
const FIELDS = ['account', 'label', 'owner', 'folder', 'channel', 'status', 'language', 'project'];

/**
 * Returns providers of made-up plugins with `count` tools in all, which are as large as those of real plugins. The same
 * number always gives the same tools, and a larger number only adds tools.
 */
export function madeUpProviders(count) {
  const providers = [];
  for (let first = 0; first < count; first += TOOLS_A_PROVIDER) {
    const number = first / TOOLS_A_PROVIDER;
    const size = Math.min(TOOLS_A_PROVIDER, count - first);
    const tools = Array.from({ length: size }, (_, index) => madeUpTool(first + index));
    const name = `suite_${number}`;
    providers.push(
      builtinProvider(`paperkite/${name}/${name}`, {
        label: `Suite ${number}`,
        description: `A made-up suite of tools, number ${number}.`,
        labels: ['productivity'],
        tools,
      }),
    );
  }
  return providers;
}

function madeUpTool(number) {
  const verb = pick(VERBS, number);
  const thing = pick(THINGS, Math.floor(number / VERBS.length));
  const fields = Array.from({ length: 2 + (number % 4) }, (_, index) => field(number + index, index));
  return defineTool(
    `${verb}_${thing}_${number}`,
    {
      label: `${capital(verb)} ${thing} ${number}`,
      description:
        `Uses the service to ${verb} one ${thing} or several of them, as number ${number} of the suite does. ` +
        `Answers with the ${thing} as it is afterwards.`,
      parameters: [
        parameter('query', {
          label: 'Query',
          required: true,
          description: `Which ${thing} is meant: an id, or words that occur in it.`,
        }),
        ...fields,
      ],
    },
    async function* (given) {
      yield text(`${capital(verb)} ${thing} ${number}: done.`);
      yield json({ tool: number, given });
    },
  );
}

function field(seed, index) {
  const name = `${pick(FIELDS, seed)}_${index}`;
  if (index % 3 === 1) {
    return parameter(name, {
      type: 'number',
      description: `How many of them at most, from 1 to 100.`,
      default: 10,
      min: 1,
      max: 100,
    });
  }
  if (index % 3 === 2) {
    return parameter(name, {
      type: 'select',
      description: 'In which order they come.',
      options: ['newest', 'oldest', 'by name'],
      default: 'newest',
    });
  }
  return parameter(name, { description: `Only those whose ${pick(FIELDS, seed)} is this one.` });
}

function pick(words, index) {
  return words[index % words.length];
}

function capital(word) {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
}
