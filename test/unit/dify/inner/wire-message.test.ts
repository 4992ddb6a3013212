import { isDeepStrictEqual } from 'node:util';
import * as fc from '../../../support/fast-check.ts';
import { describe, expect, test } from 'vitest';
import { decodeFrames } from '../../../../src/dify/inner/frames.ts';
import { toToolInvokeMessage } from '../../../../src/dify/inner/wire-message.ts';
import { isJsonObject } from '../../../../src/model/json.ts';
import type { ToolInvokeMessage } from '../../../../src/model/message.ts';
import { bodyOf, everyRecording, recordings, sharedNote } from '../../../support/shared.ts';
import { collect, FILE_ID, streamOf, TENANT, WIRE_MESSAGES } from '../../../support/dify-wire.ts';

const TOOL_FILE = {
  dify_model_identity: '__dify__file__',
  id: null,
  tenant_id: TENANT,
  type: 'image',
  transfer_method: 'tool_file',
  remote_url: null,
  related_id: FILE_ID,
  filename: 'p.png',
  extension: '.png',
  mime_type: 'image/png',
  size: 8,
};
const LINK = `/files/tools/${FILE_ID}.png`;
const FILE = {
  url: LINK,
  id: FILE_ID,
  transferMethod: 'tool_file',
  filename: 'p.png',
  mimeType: 'image/png',
  size: 8,
};

function wire(type: string, message: unknown, meta: unknown = null): unknown {
  return { type, message, meta };
}

describe('the table of the wire', () => {
  test.each<[string, unknown, ToolInvokeMessage]>([
    ['text', WIRE_MESSAGES.text, { type: 'text', text: 'héllo 👋' }],
    ['empty text', wire('text', { text: '' }), { type: 'text', text: '' }],
    ['json object', WIRE_MESSAGES.json, { type: 'json', value: { a: [1, { b: null }] } }],
    [
      'json array of a workflow',
      wire('json', { json_object: [1, 2], suppress_output: true }),
      { type: 'json', value: [1, 2] },
    ],
    [
      'json before 1.10, without suppress_output',
      wire('json', { json_object: {} }),
      { type: 'json', value: {} },
    ],
    ['variable', WIRE_MESSAGES.variable, { type: 'variable', name: 'v', value: { k: [1] }, stream: false }],
    [
      'streamed piece of a variable',
      wire('variable', { variable_name: 's', variable_value: 'part', stream: true }),
      { type: 'variable', name: 's', value: 'part', stream: true },
    ],
    [
      'variable that is null',
      wire('variable', { variable_name: 'n', variable_value: null }),
      { type: 'variable', name: 'n', value: null, stream: false },
    ],
    ['link', WIRE_MESSAGES.link, { type: 'link', url: 'https://example.com/page' }],
    [
      'stored image',
      WIRE_MESSAGES.imageLink,
      {
        type: 'file',
        file: { url: LINK, id: FILE_ID, filename: 'drawing', mimeType: 'image/png' },
      },
    ],
    [
      'stored bytes of no known type',
      WIRE_MESSAGES.binaryLink,
      { type: 'file', file: { url: `/files/tools/${FILE_ID}.bin`, id: FILE_ID } },
    ],
    [
      'image elsewhere',
      wire('image_link', { text: 'https://example.com/y.png' }, {}),
      { type: 'file', file: { url: 'https://example.com/y.png' } },
    ],
    [
      'image whose address was not stored',
      wire('image', { text: 'https://example.com/z.png' }),
      { type: 'file', file: { url: 'https://example.com/z.png' } },
    ],
    [
      'image of a workflow',
      wire('image_link', { text: LINK }, { file: TOOL_FILE }),
      { type: 'file', file: FILE },
    ],
    [
      'another file of a workflow, as a link',
      wire('link', { text: LINK }, { file: TOOL_FILE }),
      { type: 'file', file: FILE },
    ],
    [
      'link that carries only the id of a file',
      wire('link', { text: '/somewhere' }, { tool_file_id: FILE_ID }),
      {
        type: 'file',
        file: { url: '/somewhere', id: FILE_ID, transferMethod: 'tool_file' },
      },
    ],
    [
      'image of 1.16, with its id in the meta',
      wire('image_link', { text: LINK }, { mime_type: 'image/png', tool_file_id: FILE_ID }),
      {
        type: 'file',
        file: { url: LINK, id: FILE_ID, transferMethod: 'tool_file', mimeType: 'image/png' },
      },
    ],
    [
      "link to a file of Dify's without any meta",
      wire('link', { text: LINK }),
      { type: 'file', file: { url: LINK, id: FILE_ID } },
    ],
    [
      'remote file',
      wire(
        'file',
        { file_marker: 'file_marker' },
        { file: { transfer_method: 'remote_url', remote_url: 'https://example.com/r.pdf', size: -1 } },
      ),
      {
        type: 'file',
        file: { url: 'https://example.com/r.pdf', transferMethod: 'remote_url' },
      },
    ],
    [
      'uploaded file before 1.12, with an empty message',
      wire(
        'file',
        {},
        { file: { transfer_method: 'local_file', upload_file_id: FILE_ID, remote_url: null, size: 0 } },
      ),
      { type: 'file', file: { id: FILE_ID, transferMethod: 'local_file', size: 0 } },
    ],
    [
      'file with an address that Dify signed',
      wire(
        'image_link',
        { text: LINK },
        { file: { ...TOOL_FILE, url: `${LINK}?timestamp=1&nonce=n&sign=s` } },
      ),
      { type: 'file', file: { ...FILE, url: `${LINK}?timestamp=1&nonce=n&sign=s` } },
    ],
    ['log', WIRE_MESSAGES.log, { type: 'log', log: { label: 'step', status: 'start', metadata: {} } }],
    [
      'log of a step inside another, that failed',
      wire('log', { id: 'L2', label: 'b', parent_id: 'L1', error: 'no', status: 'error', data: null }),
      {
        type: 'log',
        log: { label: 'b', status: 'error', error: 'no', metadata: {} },
      },
    ],
    [
      'retriever resources',
      WIRE_MESSAGES.resources,
      {
        type: 'retriever_resources',
        context: 'ctx',
        resources: [
          {
            content: 'c',
            datasetName: 'manuals',
          },
        ],
      },
    ],
  ])('%s', (_name, data, message) => {
    expect(toToolInvokeMessage(data)).toEqual(message);
  });
});

describe('what is not as expected keeps everything', () => {
  test.each([
    ['a type of the future', wire('hologram', { text: 'x' })],
    ['blob', wire('blob', { blob: 'AAEC' }, { mime_type: 'image/png' })],
    ['blob_chunk', wire('blob_chunk', { id: 'b', sequence: 0, blob: 'AAEC', end: true })],
    ['text without text', wire('text', { txt: 'x' })],
    ['text that is a number', wire('text', { text: 5 })],
    ['a message that is null', wire('text', null)],
    ['a message that is a list', wire('json', [1])],
    ['json without a value', wire('json', {})],
    ['a variable without a name', wire('variable', { variable_value: 1 })],
    ['a variable without a value', wire('variable', { variable_name: 'x' })],
    ['a link to nowhere', wire('link', { text: '' })],
    ['a file without any pointer', wire('file', { file_marker: 'file_marker' }, { file: {} })],
    ['a log without a label', wire('log', { id: '1', status: 'start' })],
    ['a log whose data is a list', wire('log', { id: '1', label: 'l', status: 'start', data: [1] })],
    ['resources that are no list', wire('retriever_resources', { retriever_resources: 'x', context: '' })],
    ['resources of texts', wire('retriever_resources', { retriever_resources: ['x'], context: '' })],
    ['resources without anything', wire('retriever_resources', {})],
  ])('%s', (_name, data) => {
    const { type: wireType } = data as { type: string };
    expect(toToolInvokeMessage(data)).toEqual({ type: 'unknown', wireType, raw: data });
  });

  test.each([null, 'text of a frame that was no JSON', 5, [1], {}, { type: 7 }, { hello: 1 }])(
    'no message at all: %j',
    (data) => {
      expect(toToolInvokeMessage(data)).toEqual({ type: 'unknown', wireType: 'unreadable', raw: data });
    },
  );

  test('any JSON becomes a message', () => {
    const types = ['text', 'json', 'variable', 'link', 'file', 'image_link', 'log', 'retriever_resources'];
    const fields = fc.dictionary(
      fc.constantFrom(
        'text',
        'json_object',
        'label',
        'status',
        'data',
        'context',
        'retriever_resources',
        'file',
      ),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const message = fc.record({ type: fc.constantFrom(...types), message: fields, meta: fields });
    fc.assert(
      fc.property(fc.oneof(message, fc.jsonValue()), (data) => {
        const result = toToolInvokeMessage(data);
        expect(result.type === 'unknown' ? result.raw : data).toBe(data);
      }),
      { numRuns: fc.runs(1000) },
    );
  });
});

/** What Dify 1.4.1 makes of a list in a json message. */
const isEmptied = (data: unknown): boolean =>
  isDeepStrictEqual(data, { type: 'json', message: {}, meta: null });

test(`every recorded message is understood${sharedNote}`, async () => {
  for (const entry of everyRecording('invoke')) {
    const frames = await collect(decodeFrames(streamOf([bodyOf(entry)]), { maxFrameBytes: 1 << 20 }));
    for (const { data, error } of frames) {
      if (error !== undefined || isEmptied(data)) continue;
      const message = toToolInvokeMessage(data);
      const wireType = isJsonObject(data) ? data['type'] : undefined;
      const isFile = wireType === 'image_link' || wireType === 'binary_link';
      expect({ data, type: message.type }).toEqual({ data, type: isFile ? 'file' : wireType });
    }
  }
});

test(`a recorded workflow with a file names it wholly${sharedNote}`, async () => {
  for (const entry of recordings('invoke').filter(({ name }) => name.endsWith('workflow-file-in-and-out'))) {
    const frames = await collect(decodeFrames(streamOf([bodyOf(entry)]), { maxFrameBytes: 1 << 20 }));
    const messages = frames.map(({ data }) => toToolInvokeMessage(data));
    expect(messages.map(({ type }) => type)).toEqual([
      'file',
      'file',
      'file',
      'variable',
      'variable',
      'text',
      'json',
    ]);
    expect(messages[0]).toMatchObject({
      file: { transferMethod: 'tool_file', filename: 'p.png', mimeType: 'image/png', size: 70 },
    });
  }
});
