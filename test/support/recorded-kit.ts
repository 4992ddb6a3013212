import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type JsonObject } from '../../src/model/json.ts';
import { parameter } from '../../src/sandbox/declaration.ts';
import {
  blob,
  json,
  link,
  log,
  type SandboxMessage,
  text,
  ToolFailure,
  variable,
} from '../../src/sandbox/messages.ts';
import { builtinProvider, defineTool, type SandboxProvider } from '../../src/sandbox/provider.ts';
import { pythonJson } from '../../src/sandbox/python.ts';

const PICTURE = Buffer.from('89504e470d0a1a0a', 'hex');

/** A plugin whose tools do what the recorded plugin's did, message for message. */
export function kitProvider(id: string, credentialFields: readonly string[] = []): SandboxProvider {
  return builtinProvider(id, {
    label: 'Kit',
    description: 'Tools of the recordings.',
    labels: ['search'],
    credentialFields,
    tools: [
      defineTool(
        'all_types',
        {
          description: 'Every message type.',
          parameters: [
            parameter('q', { required: true }),
            parameter('n', { type: 'number', min: 0, max: 10 }),
            parameter('sel', {
              type: 'select',
              form: 'form',
              required: true,
              default: 'a',
              options: ['a', 'b'],
            }),
            parameter('f', { type: 'file' }),
            parameter('fs', { type: 'files' }),
          ],
        },
        async function* (given) {
          for (const message of everyMessage(given)) {
            if (given['q'] === 'slow') await sleep(20);
            yield message;
          }
        },
      ),
      defineTool(
        'needform',
        {
          description: 'Needs a setting.',
          parameters: [
            parameter('key', { form: 'form', required: true }),
            parameter('sys', { type: 'system-files' }),
          ],
        },
        async function* () {
          yield text('ok');
        },
      ),
      defineTool('boom', { description: 'Fails.' }, async function* () {
        yield text('before');
        throw new ToolFailure('kaput');
      }),
      defineTool(
        'selform',
        {
          description: 'A selector.',
          parameters: [parameter('m', { type: 'model-selector', form: 'form' })],
        },
        async function* () {
          yield text('ok');
        },
      ),
    ],
  });
}

function* everyMessage(given: JsonObject): Generator<SandboxMessage> {
  const image = { mime_type: 'image/png' };
  yield text(`params:${pythonJson(sorted(given) as JsonObject)}`);
  yield json({ a: [1, { b: null }] });
  yield json([1, 2]);
  yield link('https://example.com/x');
  yield blob(PICTURE, image);
  yield { type: 'text', message: { text: FAILED_DOWNLOAD }, meta: {} };
  yield { type: 'image_link', message: { text: 'https://example.com/y.png' }, meta: {} };
  yield { type: 'binary_link', message: { text: 'https://example.com/y.bin' }, meta: {} };
  yield blob(PICTURE, { ...image, filename: 'pic' });
  yield blob(Buffer.from('%PDF-1.4'), { mime_type: 'application/pdf', filename: 'a.pdf' });
  yield blob(Buffer.from('ID3'), { mime_type: 'audio/mpeg' });
  yield blob(Buffer.from([1]), {});
  yield blob(Buffer.from('x'), { mime_type: 'text/plain', filename: 'big.txt' });
  yield variable('v', { k: [1] });
  yield variable('s', 'part', true);
  yield variable('n0', null);
  yield log({ id: 'L1', label: 'step', status: 'start', data: { d: 1 } });
  yield { type: 'retriever_resources', message: RETRIEVED, meta: null };
}

const FAILED_DOWNLOAD =
  "Failed to download image: http://127.0.0.1:55002/missing.png: Client error '404 Not Found' for url 'http://127.0.0.1:55002/missing.png'\nFor more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/404";

const RESOURCE = { position: 1, dataset_id: null, dataset_name: 'ds', document_id: null, content: 'c' };
const UNSET =
  'document_name data_source_type segment_id retriever_from score hit_count word_count segment_position index_node_hash page doc_metadata title files summary'.split(
    ' ',
  );
const RETRIEVED: JsonObject = {
  retriever_resources: [{ ...RESOURCE, ...Object.fromEntries(UNSET.map((key) => [key, null])) }],
  context: 'ctx',
};

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** The parameters of the newer recordings' tools that Dify checks before it runs them. */
const CHECKED = {
  form_required: [parameter('token', { form: 'form', required: true })],
  form_params: [
    parameter('region', {
      type: 'select',
      form: 'form',
      required: true,
      default: 'eu',
      options: ['eu', 'us'],
    }),
  ],
  types: [parameter('n', { type: 'number' })],
} as const;

/** A plugin with the tool of a newer recording, which answers nothing. */
export function probeProvider(id: string, tool: string): SandboxProvider {
  const parameters = Object.hasOwn(CHECKED, tool) ? CHECKED[tool as keyof typeof CHECKED] : [];
  return builtinProvider(id, {
    label: 'Probe',
    description: 'A tool of the recordings.',
    credentialFields: /google|vault/.test(id) ? ['api_key'] : [],
    tools: [defineTool(tool, { description: 'Recorded.', parameters }, async function* () {})],
  });
}
