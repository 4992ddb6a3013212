import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../src/model/json.ts';
import { redDot } from '../../src/sandbox/media.ts';
import { type ParameterDeclaration, parameter } from '../../src/sandbox/declaration.ts';
import { blob, json, link, log, type SandboxMessage, text, variable } from '../../src/sandbox/messages.ts';
import { builtinProvider, defineTool, type SandboxProvider } from '../../src/sandbox/provider.ts';

/** A plugin of the sandbox with these tools, each of which answers its arguments as JSON text. */
export function echoProvider(
  id: string,
  tools: Readonly<Record<string, readonly ParameterDeclaration[]>> = { run: [] },
): SandboxProvider {
  return builtinProvider(id, {
    label: id,
    description: `The plugin ${id}.`,
    tools: Object.entries(tools).map(([name, parameters]) =>
      defineTool(name, { description: `Echoes through ${name}.`, parameters }, async function* (given) {
        yield text(JSON.stringify(given));
      }),
    ),
  });
}

/** One parameter of every type that Dify has, and of one that it does not have yet. */
export const EVERY_PARAMETER: readonly ParameterDeclaration[] = [
  parameter('text', { required: true, description: 'Any text.' }),
  parameter('number', { type: 'number', min: 1, max: 10, default: 5 }),
  parameter('flag', { type: 'boolean', default: 'true' }),
  parameter('choice', { type: 'select', options: ['a', 'b', 'b', ''], default: 'c' }),
  parameter('list', { type: 'array' }),
  parameter('object', { type: 'object', inputSchema: { $ref: '#/$defs/x', properties: { k: {} } } }),
  parameter('any', { type: 'any' }),
  parameter('future', { type: 'hologram', description: 'x'.repeat(3000) }),
  parameter('file', { type: 'file' }),
  parameter('files', { type: 'files' }),
  parameter('with spaces', { description: 'An odd name.' }),
  parameter('secret', { type: 'secret-input' }),
  parameter('operator', { form: 'form', default: 'set' }),
];

/** Every kind of message that the sandbox can send, with one that the bridge cannot know. */
export const everyMessageProvider: SandboxProvider = builtinProvider('tests/all/all', {
  label: 'All',
  description: 'Sends everything.',
  tools: [
    defineTool('send', { description: 'Sends a message of every kind.' }, async function* () {
      yield log({ id: '1', label: 'Look', status: 'start' });
      yield text('a text');
      yield json({ an: 'object' });
      yield link('https://example.com/page');
      yield variable('var', 'pie', true);
      yield variable('var', 'ces', true);
      yield blob(redDot(), { mime_type: 'image/png', filename: 'a.png' });
      yield blob(Buffer.from('notes'), { mime_type: 'text/plain', filename: 'n.txt' });
      yield retrieved();
      yield { type: 'hologram', message: { depth: 3 }, meta: null };
      yield log({ id: '1', label: 'Look', status: 'success' });
      await sleep(50);
    }),
  ],
});

function retrieved(): SandboxMessage {
  const resource: JsonObject = { position: 1, dataset_name: 'Manuals', content: 'Boil first.' };
  return {
    type: 'retriever_resources',
    message: { retriever_resources: [resource], context: 'Boil first.' },
    meta: null,
  };
}
