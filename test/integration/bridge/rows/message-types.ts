import { messages, type Row, said, textMessage } from './row.ts';
import { audio, FILES, fileFields, image, kept, line, linkTo, resource } from './stored-files.ts';

const { png, pdf, wav, unknown, text, upload } = FILES;
const EXTERNAL = 'https://example.com';

export const json = (value: unknown, suppressOutput: boolean | undefined = false) => ({
  type: 'json',
  message: {
    json_object: value,
    ...(suppressOutput !== undefined && { suppress_output: suppressOutput }),
  },
  meta: {},
});

export const fileMessage = (type: string, url: string, meta: Record<string, unknown> = {}) => ({
  type,
  message: { text: url },
  meta,
});

const marked = (file: Record<string, unknown>, message: Record<string, unknown>) => ({
  type: 'file',
  message,
  meta: { file },
});

export const variable = (name: string, value: unknown, stream = false) => ({
  type: 'variable',
  message: { variable_name: name, variable_value: value, stream },
  meta: null,
});

const RESOURCE = {
  position: 1,
  dataset_id: null,
  dataset_name: 'Manuals',
  document_name: 'Kettle.pdf',
  content: 'Fill it first.',
  score: 0.5,
  title: null,
};

const row = (title: string, data: readonly unknown[], expected: Row['expected']): Row => ({
  title,
  answer: messages(...data),
  expected,
});

/** Every message that leaves Dify's inner API, by the rows of its description. */
export const MESSAGE_TYPES: readonly Row[] = [
  row('text', [textMessage('hello')], { content: [said('hello')] }),
  row('text, next to each other', [textMessage('hel'), textMessage(''), textMessage('lo')], {
    content: [said('hello')],
  }),
  row('link', [fileMessage('link', `${EXTERNAL}/x`)], { content: [said(`${EXTERNAL}/x`)] }),
  row('json, an object', [json({ a: [1, { b: null }] })], {
    content: [said('{"a":[1,{"b":null}]}')],
  }),
  row('json, an array, since 1.12', [json([1, 'two'])], {
    content: [said('[1,"two"]')],
  }),
  row('json without suppress_output, before 1.10', [json({ a: 1 }, undefined)], {
    content: [said('{"a":1}')],
  }),
  row('json, several', [json({ a: 1 }), json({ b: 2 }), json({ a: 1 })], {
    content: [said('{"a":1}'), said('{"b":2}')],
  }),
  row('an image that Dify could not download', [textMessage(`Failed to download image: ${EXTERNAL}: 404`)], {
    content: [said(`Failed to download image: ${EXTERNAL}: 404`)],
  }),
  row(
    'image_link of a stored picture',
    [fileMessage('image_link', linkTo(png, 'png'), { mime_type: 'image/png', filename: 'pic.png' })],
    { content: [line('pic.png', 'image/png', png.bytes.length), image(png.bytes, 'image/png')] },
  ),
  row('image_link without meta', [{ ...fileMessage('image_link', linkTo(png, 'png')), meta: null }], {
    content: [line('run.png', 'image/png', png.bytes.length), image(png.bytes, 'image/png')],
  }),
  row(
    'binary_link of a stored file',
    [fileMessage('binary_link', linkTo(pdf, 'pdf'), { mime_type: 'application/pdf', filename: 'a.pdf' })],
    {
      content: [...kept('a.pdf', 'application/pdf', pdf.bytes.length)],
    },
  ),
  row('binary_link without a type', [fileMessage('binary_link', linkTo(unknown, 'bin'))], {
    content: [...kept('run', 'application/octet-stream', 5)],
  }),
  row(
    'binary_link of a sound under the wrong extension',
    [fileMessage('binary_link', linkTo(wav, 'bin'), { mime_type: 'audio/wav' })],
    {
      content: [
        line('run.wav', 'audio/wav', wav.bytes.length, 'attached below'),
        audio(wav.bytes, 'audio/wav'),
      ],
    },
  ),
  row('image_link to another server', [fileMessage('image_link', `${EXTERNAL}/y.png`)], {
    content: [said(`y.png (PNG) is on another server and was not fetched: ${EXTERNAL}/y.png`)],
  }),
  row('binary_link to another server', [fileMessage('binary_link', `${EXTERNAL}/y.zip`)], {
    content: [said(`y.zip (ZIP) is on another server and was not fetched: ${EXTERNAL}/y.zip`)],
  }),
  row(
    'file, stored by a tool, a picture',
    [fileMessage('image_link', linkTo(png, 'png'), { file: fileFields(png, 'p.png') })],
    { content: [line('p.png', 'image/png', png.bytes.length), image(png.bytes, 'image/png')] },
  ),
  row(
    'file, stored by a tool, no picture: a link with a file',
    [fileMessage('link', linkTo(text, 'txt'), { file: fileFields(text, 't.txt') })],
    {
      content: [
        line('t.txt', 'text/plain', text.bytes.length, 'text below'),
        resource('t.txt', 'text/plain', 'ein Täxt\n'),
      ],
    },
  ),
  row(
    'file of another server',
    [
      marked(
        fileFields(png, 'r.png', {
          transfer_method: 'remote_url',
          remote_url: `${EXTERNAL}/r.png`,
          related_id: null,
        }),
        { file_marker: 'file_marker' },
      ),
    ],
    { content: [said(`r.png (PNG) is on another server and was not fetched: ${EXTERNAL}/r.png`)] },
  ),
  row(
    'file that a person uploaded, before 1.12',
    [marked(fileFields(upload, 'u.png', { transfer_method: 'local_file' }), {})],
    { content: [line('u.png', 'image/png', upload.bytes.length), image(upload.bytes, 'image/png')] },
  ),
  row(
    'link with the id of a stored file, as in later releases',
    [fileMessage('link', linkTo(text, 'txt'), { tool_file_id: text.id, filename: 't.txt' })],
    {
      content: [
        line('t.txt', 'text/plain', text.bytes.length, 'text below'),
        resource('t.txt', 'text/plain', 'ein Täxt\n'),
      ],
    },
  ),
  row('variable', [variable('v', { k: [1] }), variable('nothing', null)], {
    content: [said('{"v":{"k":[1]},"nothing":null}')],
  }),
  row('variable, streamed', [variable('s', 'one ', true), variable('s', 'two', true)], {
    content: [said('{"s":"one two"}')],
  }),
  row(
    'log',
    [
      {
        type: 'log',
        message: {
          id: 'L1',
          label: 'Search',
          parent_id: null,
          error: null,
          status: 'start',
          data: { private: 1 },
          metadata: {},
        },
        meta: null,
      },
      textMessage('done'),
    ],
    { content: [said('done')] },
  ),
  row(
    'retriever_resources',
    [
      {
        type: 'retriever_resources',
        message: { retriever_resources: [RESOURCE], context: 'The kettle.' },
        meta: null,
      },
    ],
    { content: [said('The kettle.\n\nSources:\n- Kettle.pdf, Manuals: Fill it first.')] },
  ),
  row(
    'blob_chunk, which should not leave Dify',
    [{ type: 'blob_chunk', message: { id: 'x', blob: 'AAAA' } }],
    {
      content: [
        said(
          '[message of unknown type "blob_chunk"] {"type":"blob_chunk","message":{"id":"x","blob":"AAAA"}}',
        ),
      ],
    },
  ),
  row('a type of a later release', [{ type: 'hologram', message: { x: 1 }, meta: null }, textMessage('!')], {
    content: [
      said('[message of unknown type "hologram"] {"type":"hologram","message":{"x":1},"meta":null}'),
      said('!'),
    ],
  }),
  row('a known type with another body', [{ type: 'text', message: { words: ['a'] }, meta: null }], {
    content: [said('[message of unknown type "text"] {"type":"text","message":{"words":["a"]},"meta":null}')],
  }),
];
