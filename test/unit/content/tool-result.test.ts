import { describe, expect, it, vi } from 'vitest';
import { parseJson } from '../../../src/model/exact-json.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import type { LogEntry } from '../../../src/model/message.ts';
import type { FileStore } from '../../../src/model/stored-file.ts';
import {
  aTool,
  convert,
  convertStream,
  difyFile,
  json,
  memoryStore,
  recordingLogger,
  text,
  textsOf,
  toolFailed,
  variable,
} from '../../support/content-fixtures.ts';

const entry: LogEntry = { label: 'step', status: 'start', metadata: { secret: 'd' } };

describe('text', () => {
  it('joins neighbours into one block, without a separator', async () => {
    expect(await convert([text('Hel'), text('lo'), text(' world')])).toEqual({
      content: [{ type: 'text', text: 'Hello world' }],
    });
  });

  it('is not parted by messages that have no content of their own', async () => {
    const result = await convert([
      text('a'),
      { type: 'log', log: entry },
      variable('v', 'x', true),
      text('b'),
    ]);
    expect(textsOf(result)[0]).toBe('ab');
  });

  it('is parted by a message that has content', async () => {
    const result = await convert([text('a'), { type: 'link', url: 'https://example.com/x' }, text('b')]);
    expect(result).toEqual({
      content: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'https://example.com/x' },
        { type: 'text', text: 'b' },
      ],
    });
  });

  it('leaves JSON text alone where nothing equals it', async () => {
    expect(await convert([text('[1, {"a": 2}]')])).toEqual({
      content: [{ type: 'text', text: '[1, {"a": 2}]' }],
    });
  });

  it.each([[[]], [[text('')]]])('says so when there is no output (%j)', async (messages) => {
    const result = await convert(messages);
    expect(result).toEqual({ content: [{ type: 'text', text: 'The tool finished without output.' }] });
  });
});

describe('json and variables', () => {
  it('is structured content and text', async () => {
    expect(await convert([json({ a: [1, { b: null }] })])).toEqual({
      content: [{ type: 'text', text: '{"a":[1,{"b":null}]}' }],
      structuredContent: { a: [1, { b: null }] },
    });
  });

  it('shows once what an api tool sends as json and as text, in the tool’s own characters', async () => {
    const own = '{"n": 12345678901234567890, "hello": "w\\u00f6rld"}';
    expect(await convert([json(parseJson(own)), text(own)])).toEqual({
      content: [{ type: 'text', text: own }],
      structuredContent: { n: '12345678901234567890', hello: 'wörld' },
    });
  });

  it('shows a large value once too', async () => {
    const value = { rows: Array.from({ length: 500 }, (_, id) => ({ id, name: `row ${id}` })) };
    const shown = JSON.stringify(value, null, 1);
    expect(await convert([json(value), text(shown)])).toEqual({
      content: [{ type: 'text', text: shown }],
      structuredContent: value,
    });
  });

  it('shows once what a workflow sends as variables, text and json', async () => {
    const outputs = { answer: 'yes', score: 3 };
    const messages = [
      variable('answer', 'yes'),
      variable('score', 3),
      text(JSON.stringify(outputs)),
      json({ score: 3, answer: 'yes' }),
    ];
    expect(await convert(messages)).toEqual({
      content: [{ type: 'text', text: '{"answer":"yes","score":3}' }],
      structuredContent: outputs,
    });
  });

  it('finds the equal value in a streamed text and in one message among others', async () => {
    const streamed = await convert([text('{"a"'), text(':1}'), json({ a: 1 })]);
    expect(textsOf(streamed)).toEqual(['{"a":1}']);
    const among = await convert([text('Done.'), text('{"a":1}'), json({ a: 1 })]);
    expect(textsOf(among)).toEqual(['Done.{"a":1}']);
  });

  it('drops the repetition of an mcp tool and keeps distinct values in order', async () => {
    expect(await convert([json({ j: 1 }), json({ j: 1 }), json({ k: 2 })])).toEqual({
      content: [
        { type: 'text', text: '{"j":1}' },
        { type: 'text', text: '{"k":2}' },
      ],
      structuredContent: { json: [{ j: 1 }, { k: 2 }] },
    });
  });

  it('puts a list under json', async () => {
    expect(await convert([json([1, 2])])).toEqual({
      content: [{ type: 'text', text: '[1,2]' }],
      structuredContent: { json: [1, 2] },
    });
  });

  it('keeps what a suppressed json alone says', async () => {
    expect(textsOf(await convert([json({ a: 1 })]))).toEqual(['{"a":1}']);
  });

  it('adds other text to the values, so that structured content is complete', async () => {
    const result = await convert([
      text('Found one.'),
      json({ a: 1 }),
      { type: 'link', url: 'https://example.com/' },
    ]);
    expect(result.structuredContent).toEqual({ a: 1, text: 'Found one.\nhttps://example.com/' });
  });

  it('does not repeat text that is one of the values', async () => {
    const result = await convert([text('yes'), json({ answer: 'yes' })]);
    expect(result.structuredContent).toEqual({ answer: 'yes' });
  });

  it('moves an object with a text of its own to json', async () => {
    const result = await convert([text('Other.'), json({ text: 'own' })]);
    expect(result.structuredContent).toEqual({ json: { text: 'own' }, text: 'Other.' });
  });

  it('leaves structured content out where a variable takes the place of the text', async () => {
    const result = await convert([text('Other.'), variable('text', 'own')]);
    expect(result.structuredContent).toBeUndefined();
    expect(textsOf(result)).toEqual(['Other.', '{"text":"own"}']);
  });

  it('joins streamed variables by name and appends those that no text shows', async () => {
    const messages = [
      variable('s', 'pa', true),
      variable('v', { k: [1] }),
      variable('s', 'rt', true),
      variable('shown', 1),
      json({ shown: 1 }),
    ];
    const result = await convert(messages);
    expect(textsOf(result)).toEqual(['{"shown":1}', '{"s":"part","v":{"k":[1]}}']);
    expect(result.structuredContent).toEqual({ shown: 1, s: 'part', v: { k: [1] } });
  });

  it('assigns a variable that is not streamed, and streams on after a string', async () => {
    const messages = [
      variable('a', 'lost', true),
      variable('a', 'x'),
      variable('a', 'y', true),
      variable('b', { o: 1 }),
      variable('b', 'piece', true),
      variable('c', 7, true),
    ];
    expect((await convert(messages)).structuredContent).toEqual({ a: 'xy', b: 'piece', c: 7 });
  });

  it('does not append a variable that a text repeats', async () => {
    expect(
      textsOf(await convert([variable('s', 'par', true), variable('s', 't', true), text('part')])),
    ).toEqual(['part']);
  });

  it('keeps both values where a variable differs from the json object', async () => {
    const result = await convert([json({ x: 1 }), variable('x', 2)]);
    expect(result.structuredContent).toEqual({ json: { x: 1 }, x: 2 });
    expect(textsOf(result)).toEqual(['{"x":1}', '{"x":2}']);
  });

  it('survives names of the object prototype', async () => {
    const result = await convert([variable('__proto__', { polluted: true }), variable('constructor', 1)]);
    expect(JSON.stringify(result.structuredContent)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('cuts values that are nested too deeply for a recursive reader', async () => {
    const deep = JSON.parse('['.repeat(5000) + ']'.repeat(5000)) as Json;
    const result = await convert([json(deep), json({ a: 1 })]);
    expect(result.isError).toBeUndefined();
    expect(textsOf(result)[0]).toContain('nested too deeply');
  });

  it('joins ten thousands of small messages', async () => {
    const pieces = Array.from({ length: 50_000 }, (_, index) =>
      index % 2 === 0 ? text('{"t": ') : variable('v', 'piece ', true),
    );
    const result = await convert([...pieces, json({ a: 1 })], { limits: { maxTextChars: 1_000_000 } });
    expect(textsOf(result)[0]).toHaveLength(25_000 * 6);
    expect(result.structuredContent?.['v']).toHaveLength(25_000 * 6);
  });
});

describe("Dify's file objects", () => {
  const shown = { filename: 'p.png', mime_type: 'image/png', size: 70 };

  it('become readable in json, variables and JSON text', async () => {
    const outputs = { out: difyFile(), list: [difyFile()] };
    const messages = [
      variable('out', difyFile()),
      variable('list', [difyFile()]),
      text(JSON.stringify(outputs)),
      json(outputs),
    ];
    const result = await convert(messages);
    expect(result.structuredContent).toEqual({ out: shown, list: [shown] });
    expect(textsOf(result)).toEqual([JSON.stringify({ out: shown, list: [shown] })]);
    expect(JSON.stringify(result)).not.toMatch(/FAKE-SIGNATURE|tenant_id|0f0f0f0f/);
  });

  it('become readable in a text, alone or among others', async () => {
    expect(textsOf(await convert([text(JSON.stringify({ f: difyFile() }))]))).toEqual([
      JSON.stringify({ f: shown }),
    ]);
    const among = await convert([text('Here: '), text(JSON.stringify({ f: difyFile() }))]);
    expect(textsOf(among)).toEqual([`Here: ${JSON.stringify({ f: shown })}`]);
  });

  it('keep the address of a remote file', async () => {
    const remote = difyFile({
      transfer_method: 'remote_url',
      remote_url: 'https://example.com/r.png',
      size: -1,
    });
    expect((await convert([json({ remote })])).structuredContent).toEqual({
      remote: { ...shown, size: -1, url: 'https://example.com/r.png' },
    });
  });
});

describe('output schema', () => {
  const schemaOf = (properties: JsonObject, extra: JsonObject = {}) =>
    aTool({ outputSchema: { type: 'object', properties, ...extra } });

  it('is kept even by a tool without output', async () => {
    const result = await convert([], { tool: schemaOf({ a: { type: 'string' } }) });
    expect(result).toEqual({
      content: [{ type: 'text', text: 'The tool finished without output.' }],
      structuredContent: {},
    });
  });

  it('carries the text of a tool that sent no values', async () => {
    const result = await convert([text('Only words.')], { tool: schemaOf({ a: { type: 'string' } }) });
    expect(result.structuredContent).toEqual({ text: 'Only words.' });
  });

  it('turns values into strings, leaves out what does not fit and says so', async () => {
    const tool = schemaOf({
      s: { type: 'string' },
      o: { type: 'string' },
      n: { type: 'number' },
      i: { type: 'integer' },
      list: { type: 'array', items: { type: 'string' } },
      bad: { type: 'array', items: { type: 'number' } },
      none: { type: 'string' },
      any: {},
    });
    const outputs = {
      s: 1,
      o: { k: 1 },
      n: '7',
      i: 1.5,
      list: ['a', 2],
      bad: [1, 'x'],
      none: null,
      any: true,
      more: 1,
    };
    const result = await convert([json(outputs)], { tool });
    const notes = [
      '[n was omitted from the structured content: its value is not of type number]',
      '[i was omitted from the structured content: its value is not of type integer]',
      '[bad was omitted from the structured content: its value is not of type array]',
    ];
    expect(result.structuredContent).toEqual({
      s: '1',
      o: '{"k":1}',
      list: ['a', '2'],
      any: true,
      more: 1,
      text: notes.join('\n'),
    });
    expect(textsOf(result)).toEqual([JSON.stringify(outputs), ...notes]);
  });

  it('looks into objects, and leaves out undeclared keys where none are allowed', async () => {
    const tool = schemaOf(
      {
        o: { type: 'object', properties: { s: { type: 'string' } } },
        p: { type: 'object', properties: { n: { type: 'number' } } },
      },
      { additionalProperties: false },
    );
    const result = await convert([json({ o: { s: 1 }, p: { n: 'x' }, more: 1 })], { tool });
    expect(result.structuredContent).toEqual({ o: { s: '1' } });
    expect(textsOf(result).slice(1)).toEqual([
      '[p was omitted from the structured content: its value is not of type object]',
      '[more was omitted from the structured content: the tool does not declare it]',
    ]);
  });

  it('is not needed by an error', async () => {
    const result = await convert([json({ a: 1 })], { tool: schemaOf({}), error: toolFailed });
    expect(result.structuredContent).toBeUndefined();
  });
});

describe('very many messages', () => {
  it('are stored in few pieces, and share a block from some number on', async () => {
    const pieces: number[] = [];
    const inner = memoryStore();
    const store: FileStore = {
      ...inner,
      put(content, about) {
        async function* counted() {
          for await (const piece of content) {
            pieces.push(piece.length);
            yield piece;
          }
        }
        return inner.put(counted(), about);
      },
    };
    const result = await convert(
      Array.from({ length: 200_000 }, (_, index) => json({ index })),
      { store },
    );
    expect(pieces.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(3_000_000);
    expect(pieces.length).toBeLessThan(100);
    expect(result.content.length).toBeLessThan(110);
    expect(textsOf(result)[0]).toBe('{"index":0}');
    expect(textsOf(result).join('\n')).toContain('{"index":5000}\n{"index":5001}');
  });

  it('are not stored after the time limit of the call', async () => {
    const signal = AbortSignal.abort(new BridgeError('deadline_exceeded', 'over'));
    const result = await convert([text('x'.repeat(200_000))], { signal });
    expect(textsOf(result).at(-1)).toMatch(/The full result could not be stored\. The call ended first\./);
  });
});

describe('retriever resources', () => {
  it('are the context and a line for each source', async () => {
    const resources = [
      {
        content: 'in the context',
        datasetName: 'Handbook',
        documentName: 'leave.md',
        title: 'Leave',
        raw: {},
      },
      { content: 'beyond it', documentName: 'travel.md', raw: {} },
      { content: '', raw: {} },
    ];
    const result = await convert([
      { type: 'retriever_resources', context: 'text in the context', resources },
    ]);
    expect(textsOf(result)).toEqual([
      'text in the context\n\nSources:\n- Leave, leave.md, Handbook\n- travel.md: beyond it\n- source 3',
    ]);
  });

  it('without context and sources are nothing', async () => {
    const result = await convert([{ type: 'retriever_resources', context: '', resources: [] }]);
    expect(textsOf(result)).toEqual(['The tool finished without output.']);
  });
});

describe('unknown types', () => {
  it('are shown, cut, and counted in the log without their content', async () => {
    const logger = recordingLogger();
    const raw = { body: 'y'.repeat(5000), file: difyFile() };
    const message = { type: 'unknown', wireType: 'hologram', raw } as const;
    const result = await convert([message, message], { logger });
    const [shown] = textsOf(result);
    expect(shown).toMatch(/^\[message of unknown type "hologram"\] \{"body":"yyy/);
    expect(shown?.length).toBeLessThan(2200);
    expect(textsOf(result)).toHaveLength(2);
    expect(logger.lines).toEqual([
      {
        level: 'warn',
        message: 'Tool sent messages of unknown types',
        fields: { tool: 'acme__tool', types: { hologram: 2 } },
      },
    ]);
  });

  it('never end inside a character', async () => {
    const result = await convert([{ type: 'unknown', wireType: 'x', raw: `a${'😀'.repeat(2000)}` }]);
    expect(textsOf(result)[0]).not.toMatch(/\p{Surrogate}/u);
  });
});

describe('errors', () => {
  it('come first, with what had arrived behind, and without structured content', async () => {
    const result = await convert([text('before'), json({ a: 1 }), variable('v', 1)], { error: toolFailed });
    expect(result).toEqual({
      content: [
        { type: 'text', text: 'Dify said: kaput\nChange the arguments.' },
        { type: 'text', text: 'Output before the error:' },
        { type: 'text', text: 'before' },
        { type: 'text', text: '{"a":1}' },
        { type: 'text', text: '{"v":1}' },
      ],
      isError: true,
    });
  });

  it('are the only block if nothing had arrived', async () => {
    expect(await convert([], { error: toolFailed })).toEqual({
      content: [{ type: 'text', text: 'Dify said: kaput\nChange the arguments.' }],
      isError: true,
    });
  });

  it('show nothing of the inside; that is in the log', async () => {
    const logger = recordingLogger();
    const error = new TypeError("cannot read 'x' of FAKE-SECRET");
    const result = await convert([text('a')], { error, logger });
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result)).not.toMatch(/FAKE-SECRET|TypeError/);
    expect(logger.lines).toEqual([
      { level: 'error', message: 'Call failed in the bridge', fields: { tool: 'acme__tool', err: error } },
    ]);
  });

  it('of the conversion itself become a result, too', async () => {
    const broken = { type: 'retriever_resources', context: 'c', resources: null } as never;
    const result = await convert([text('kept'), broken]);
    expect(result.isError).toBe(true);
    expect(textsOf(result)).toContain('kept');
  });
});

describe('observer', () => {
  it('gets log messages as they are; they are no content', async () => {
    const log = vi.fn<(entry: LogEntry) => void>();
    const progress = vi.fn<(message: string) => void>();
    const result = await convert([{ type: 'log', log: entry }], { observer: { log, progress } });
    expect(log.mock.calls).toEqual([[entry]]);
    expect(progress).not.toHaveBeenCalled();
    expect(textsOf(result)).toEqual(['The tool finished without output.']);
  });

  it('gets no more than 500 log messages and 256 KB of them, and how many were left out', async () => {
    const of = async (count: number, label: string) => {
      const labels: string[] = [];
      const log = (step: LogEntry): void => void labels.push(step.label);
      const steps = Array.from({ length: count }, () => ({ type: 'log', log: { ...entry, label } }) as const);
      await convert(steps, { observer: { log } });
      return labels;
    };
    const many = await of(200_000, 'step');
    expect(many).toHaveLength(501);
    expect(many.at(-1)).toBe(
      '199500 log messages of the tool were left out (limits: 500 messages, 262144 characters)',
    );
    const large = await of(100, 'x'.repeat(1_000_000));
    expect(large.slice(0, -1)).toEqual(Array.from({ length: 65 }, () => `${'x'.repeat(3999)}…`));
    expect(large.at(-1)).toMatch(/^35 log messages/);
    expect(await of(500, 'step')).toHaveLength(500);
  });

  it('hears of output at once, then at most four times a second', async () => {
    vi.useFakeTimers();
    try {
      const progress = vi.fn<(message: string) => void>();
      const messages = Array.from({ length: 10 }, () => text('x'));
      const slow = async function* () {
        for (const message of messages) {
          yield message;
          vi.advanceTimersByTime(100);
        }
      };
      await convertStream(slow(), { observer: { progress } });
      expect(progress.mock.calls.flat()).toEqual([
        'Received 1 message',
        'Received 4 messages',
        'Received 7 messages',
        'Received 10 messages',
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('hears the text that a tool writes, at most four times a second, and the result does not have it', async () => {
    vi.useFakeTimers();
    try {
      const progress = vi.fn<(message: string) => void>();
      const slow = async function* () {
        for (const piece of ['one ', 'two ', '\u001b[31m', 'three\n', 'four']) {
          yield { type: 'progress', text: piece } as const;
          vi.advanceTimersByTime(100);
        }
        yield text('end');
      };
      const { content } = await convertStream(slow(), { observer: { progress } });
      expect(progress.mock.calls.flat()).toEqual(['one', 'two three', 'Received 1 message']);
      expect(content).toEqual([{ type: 'text', text: 'end' }]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('hears with which code a call failed', async () => {
    const failed = vi.fn<(error: BridgeError) => void>();
    const error = new BridgeError('stream_broken', 'It broke.');
    await convert([text('before')], { error, observer: { failed } });
    expect(failed.mock.calls.flat().map(({ code }) => code)).toEqual(['stream_broken']);
  });

  it('may throw without harm', async () => {
    const boom = (): never => {
      throw new Error('observer');
    };
    const observer = { log: boom, progress: boom };
    const result = await convert([{ type: 'log', log: entry }, text('fine')], { observer });
    expect(result).toEqual({ content: [{ type: 'text', text: 'fine' }] });
  });
});

it('searches the context of a retrieval for each source in proportion to both', async () => {
  const context = 'x'.repeat(4_000_000);
  const resources = Array.from({ length: 20_000 }, (_, index) => ({ content: `${'x'.repeat(30)}y${index}` }));
  const result = await convert([{ type: 'retriever_resources', context, resources }]);
  expect(result.content.length).toBeGreaterThan(0);
});

describe('integers beyond 2^53', () => {
  const outputSchema = {
    type: 'object',
    properties: {
      id: { type: ['integer', 'null'] },
      ids: { type: ['array', 'null'], items: { type: ['number', 'null'] } },
      name: { type: ['string', 'null'] },
      more: { type: ['object', 'null'] },
    },
  };

  it('are left to the text where the output schema has a number', async () => {
    const long = 1234567890123456789n;
    const result = await convert(
      [
        variable('id', long),
        variable('ids', [1, long]),
        variable('name', long),
        variable('more', { id: long }),
      ],
      { tool: aTool({ outputSchema }) },
    );
    const notes = ['id', 'ids'].map(
      (name) =>
        `[${name} was omitted from the structured content: it contains an integer that is larger than JSON clients can read exactly]`,
    );
    const text = `{"id":${long},"ids":[1,${long}],"name":${long},"more":{"id":${long}}}`;
    expect(result.content).toEqual([text, ...notes].map((each) => ({ type: 'text', text: each })));
    expect(result.structuredContent).toEqual({
      name: `${long}`,
      more: { id: `${long}` },
      text: [text, ...notes].join('\n'),
    });
  });
});
