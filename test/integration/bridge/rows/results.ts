import { expect } from 'vitest';
import { createSigner, queryString } from '../../../../src/sandbox/signing.ts';
import { SECRET_KEY } from '../../../support/fixture-dify.ts';
import { fileMessage, json, variable } from './message-types.ts';
import { failing, messages, type Row, said, textMessage } from './row.ts';
import {
  FILES,
  fileFields,
  GONE,
  image,
  kept,
  line,
  linkTo,
  MAX_OUTPUT_BYTES,
  resource,
} from './stored-files.ts';

const { damaged, png, jpeg, large, spreadsheet, unknown } = FILES;
const OUTPUTS = { summary: 'Kurz: gut.', count: 2, tags: ['a', 'b'] };
const ROWS = { rows: Array.from({ length: 300 }, (_, id) => ({ id, name: `row ${id}` })) };
const NO_COUNT = '[count was omitted from the structured content: its value is not of type number or null]';
const variables = Object.entries(OUTPUTS).map(([name, value]) => variable(name, value));

/** As a workflow of 1.11 and later answers. */
const workflow = (outputs: Record<string, unknown>) => [
  ...Object.entries(outputs).map(([name, value]) => variable(name, value)),
  textMessage(JSON.stringify(outputs)),
  json(outputs, true),
];

/** The link that Dify signs for the outputs of a workflow, with a host that only Dify knows. */
const signedLinkOf = (file: { readonly id: string }, extension: string): string => {
  const query = queryString(createSigner(SECRET_KEY).download(file.id));
  return `http://dify.internal:5001/files/tools/${file.id}.${extension}?${query}`;
};

/** What whole calls of each kind of tool come to. */
export const RESULTS: readonly Row[] = [
  {
    title: 'a workflow says its outputs once, as text and structured',
    tool: 'workflow',
    answer: messages(...workflow(OUTPUTS)),
    expected: { content: [said(JSON.stringify(OUTPUTS))], structuredContent: OUTPUTS },
  },
  {
    title: 'a workflow before 1.10, without variables',
    tool: 'workflow',
    answer: messages(textMessage(JSON.stringify(OUTPUTS)), json(OUTPUTS, undefined)),
    expected: { content: [said(JSON.stringify(OUTPUTS))], structuredContent: OUTPUTS },
  },
  {
    title: 'a workflow with empty outputs',
    tool: 'workflow',
    answer: messages(...workflow({ summary: null, count: null, tags: null })),
    expected: {
      content: [said('{"summary":null,"count":null,"tags":null}')],
      structuredContent: { summary: null, count: null, tags: null },
    },
  },
  {
    title: 'a workflow whose outputs are not of the declared types',
    tool: 'workflow',
    answer: messages(...workflow({ summary: 7, count: 'many', tags: ['a', 1], more: true })),
    expected: {
      content: [said('{"summary":7,"count":"many","tags":["a",1],"more":true}'), said(NO_COUNT)],
      structuredContent: { summary: '7', tags: ['a', '1'], more: true, text: NO_COUNT },
    },
  },
  {
    title: 'a workflow with a text besides its outputs',
    tool: 'workflow',
    answer: messages(textMessage('By the way.'), ...variables),
    expected: {
      content: [said('By the way.'), said(JSON.stringify(OUTPUTS))],
      structuredContent: { ...OUTPUTS, text: 'By the way.' },
    },
  },
  {
    // With an output schema MCP asks for structured content, media or not.
    title: 'a workflow that answers a picture after all',
    tool: 'workflow',
    answer: messages(fileMessage('image_link', linkTo(png, 'png')), ...variables),
    expected: {
      content: [
        line('summarise.png', 'image/png', 70),
        image(png.bytes, 'image/png'),
        said(JSON.stringify(OUTPUTS)),
      ],
      structuredContent: { ...OUTPUTS, text: line('summarise.png', 'image/png', 70).text },
    },
  },
  {
    title: 'a workflow without any frame still keeps its output schema',
    tool: 'workflow',
    answer: messages(),
    expected: { content: [said('The tool finished without output.')], structuredContent: {} },
  },
  {
    title: 'a workflow that fails has no structured content',
    tool: 'workflow',
    answer: failing('no', ...variables),
    expected: {
      says: [/^The tool failed: no$/],
      before: [said('Output before the error:'), said(JSON.stringify(OUTPUTS))],
    },
  },
  {
    title: 'a workflow with a file: once, and no structured content',
    tool: 'workflowWithFile',
    answer: messages(
      fileMessage('image_link', linkTo(png, 'png'), { file: fileFields(png, 'p.png') }),
      ...workflow({
        report: fileFields(png, 'p.png', { url: signedLinkOf(png, 'png'), tool_file_id: png.id }),
        words: 3,
      }),
    ),
    expected: {
      content: [
        line('p.png', 'image/png', 70),
        image(png.bytes, 'image/png'),
        said('{"report":{"filename":"p.png","mime_type":"image/png","size":70},"words":3}'),
      ],
    },
  },
  {
    title: 'an api says its JSON once, in its own characters',
    tool: 'api',
    answer: messages(json({ name: 'wörld', n: 1 }), textMessage('{"name": "w\\u00f6rld", "n": 1}')),
    expected: {
      content: [said('{"name": "w\\u00f6rld", "n": 1}')],
    },
  },
  {
    title: 'an api says a large JSON once',
    tool: 'api',
    answer: messages(json(ROWS), textMessage(JSON.stringify(ROWS, null, 1))),
    expected: { content: [said(JSON.stringify(ROWS, null, 1))] },
  },
  {
    title: 'an api answers a list: text only',
    tool: 'api',
    answer: messages(textMessage('[1, {"a": 2}]')),
    expected: { content: [said('[1, {"a": 2}]')] },
  },
  {
    title: 'an api answers bytes: as Dify makes text of them, without control characters',
    tool: 'api',
    answer: messages(textMessage('\u0000\u0001\ufffdPNG')),
    expected: { content: [said('\ufffdPNG')] },
  },
  {
    title: 'an api answers numbers that a double cannot hold',
    tool: 'api',
    answer: messages(textMessage('{"id": 9007199254740993}')),
    expected: { content: [said('{"id": 9007199254740993}')] },
  },
  {
    title: 'an MCP server answers of everything',
    tool: 'mcp',
    answer: messages(
      textMessage('hello '),
      json({ j: 1 }),
      json({ j: 1 }),
      fileMessage('image_link', linkTo(png, 'png'), { mime_type: 'image/png' }),
      textMessage('bye'),
      variable('x', 1),
    ),
    expected: {
      content: [
        said('hello '),
        said('{"j":1}'),
        line('mixed.png', 'image/png', 70),
        image(png.bytes, 'image/png'),
        said('bye'),
        said('{"x":1}'),
      ],
    },
  },
  {
    title: 'variables and other text are both in the text',
    answer: messages(textMessage('In words.'), variable('n', 1)),
    expected: {
      content: [said('In words.'), said('{"n":1}')],
    },
  },
  {
    title: 'a picture under another type arrives as what it is',
    answer: messages(fileMessage('image_link', linkTo(jpeg, 'png'), { mime_type: 'image/png' })),
    expected: {
      content: [line('run.jpg', 'image/jpeg', jpeg.bytes.length), image(jpeg.bytes, 'image/jpeg')],
    },
  },
  {
    title: 'what is said to be a picture and is none is not shown as one',
    answer: messages(fileMessage('image_link', linkTo(unknown, 'png'), { mime_type: 'image/png' })),
    expected: {
      content: kept('run.png', 'application/octet-stream', 5),
    },
  },
  {
    title: 'a file that is too large to be kept is described',
    answer: messages(fileMessage('binary_link', linkTo(large, 'txt'), { filename: 'big.txt' })),
    expected: {
      content: [
        said(
          `big.txt (TXT, 9 KB) was not included: the limit for one file is ${MAX_OUTPUT_BYTES / 1000} KB. Ask the tool for a smaller file, or open it in Dify.`,
        ),
      ],
    },
  },
  {
    title: 'a picture that no model takes is linked to',
    answer: messages(fileMessage('image_link', linkTo(damaged, 'png'), { filename: 'p.png' })),
    expected: {
      content: [
        line('p.png', 'image/png', 33, 'not shown (the picture is damaged or incomplete)'),
        {
          type: 'resource_link',
          uri: 'dify-file://ID/p.png',
          name: 'p.png',
          mimeType: 'image/png',
          size: 33,
        },
      ],
    },
  },
  {
    title: 'a spreadsheet in UTF-16 is text',
    answer: messages(fileMessage('binary_link', linkTo(spreadsheet, 'bin'), { filename: 'people.csv' })),
    expected: {
      content: [
        line('people.csv', 'text/csv', 24, 'text below'),
        resource('people.csv', 'text/csv', 'Name,Größe\n'),
      ],
    },
  },
  {
    title: 'a data URL is a file',
    answer: messages(
      textMessage(`![chart](data:image/png;base64,${png.bytes.toString('base64')})`),
      json({ note: `data:text/plain;base64,${Buffer.from('Hällo').toString('base64')}` }),
    ),
    expected: {
      content: [
        said('![chart]([file inline-2.png])'),
        line('inline-2.png', 'image/png', 70),
        image(png.bytes, 'image/png'),
        said('{"note":"[file inline-1.txt]"}'),
        line('inline-1.txt', 'text/plain', 6, 'text below'),
        resource('inline-1.txt', 'text/plain', 'Hällo'),
      ],
    },
  },
  {
    title: 'an output that is a signed link to a file is that file',
    tool: 'workflow',
    answer: messages(...workflow({ summary: signedLinkOf(png, 'png') })),
    expected: {
      content: [
        line('summarise.png', 'image/png', 70),
        image(png.bytes, 'image/png'),
        said('{"summary":"[file summarise.png]"}'),
      ],
      structuredContent: {
        summary: '[file summarise.png]',
        text: expect.stringContaining('shown below') as unknown,
      },
    },
  },
  {
    title: 'a signed link to a file that is not of this Dify stays as it is',
    answer: messages(textMessage(signedLinkOf({ id: GONE }, 'png'))),
    expected: { content: [said(expect.stringMatching(/^http:.*sign=/))] },
  },
  {
    title: 'a file that Dify no longer has is described, and the rest arrives',
    answer: messages(fileMessage('image_link', `/files/tools/${GONE}.png`), textMessage('the rest')),
    expected: {
      content: [said('run.png (PNG) could not be fetched. Dify no longer has the file.'), said('the rest')],
    },
  },
  {
    title: 'a file that came before a failure is kept',
    answer: failing('no', fileMessage('image_link', linkTo(png, 'png'))),
    expected: {
      says: [/^The tool failed: no$/],
      before: [
        said('Output before the error:'),
        line('run.png', 'image/png', 70),
        image(png.bytes, 'image/png'),
      ],
    },
  },
];

/** The same Dify, but nobody told the bridge the key that signs links. */
export const WITHOUT_KEY: readonly Row[] = [
  {
    title: 'a file of a plugin is described, with what would bring it',
    answer: messages(fileMessage('image_link', linkTo(png, 'png'), { filename: 'p.png' })),
    expected: {
      content: [
        said(
          "p.png (PNG) could not be fetched. Dify's link to the file is not signed. This Dify gives no addresses of files (1.15 and later do). Tell the user that the operator of the bridge can set DIFY_SECRET_KEY to the SECRET_KEY of Dify to get it.",
        ),
      ],
    },
  },
  {
    title: 'a file of a workflow comes by the signed link of its outputs',
    tool: 'workflowWithFile',
    answer: messages(
      fileMessage('image_link', linkTo(png, 'png'), { file: fileFields(png, 'p.png') }),
      ...workflow({ report: fileFields(png, 'p.png', { url: signedLinkOf(png, 'png') }) }),
    ),
    expected: {
      content: [
        line('p.png', 'image/png', 70),
        image(png.bytes, 'image/png'),
        said('{"report":{"filename":"p.png","mime_type":"image/png","size":70}}'),
      ],
    },
  },
  {
    title: 'a link that a tool has signed already is used',
    answer: messages(fileMessage('image_link', signedLinkOf(png, 'png'), { filename: 'p.png' })),
    expected: { content: [line('p.png', 'image/png', 70), image(png.bytes, 'image/png')] },
  },
];
