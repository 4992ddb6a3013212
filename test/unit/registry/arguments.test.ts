import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/model/json.ts';
import type { ToolParameter } from '../../../src/model/tool.ts';
import { options, parameter, toolWith } from '../../support/declarations.ts';

/** What a parameter makes of one value: the value that Dify gets, or the message. */
function taken(declared: Partial<ToolParameter>, value: unknown): unknown {
  const parsed = toolWith([parameter('p', declared)]).parseArguments({ p: value });
  return parsed.ok
    ? parsed.parameters['p']
    : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

const SELECT = { type: 'select', options: options('1', 'true', 'a') };
const FILE = { data: 'SGVsbG8=', filename: 'hello.txt' };

describe('what is meant without doubt is taken as meant', () => {
  test.each<[Partial<ToolParameter>, unknown, Json]>([
    [{ type: 'number' }, 5, 5],
    [{ type: 'number' }, '12', 12],
    [{ type: 'number' }, ' 1.5 ', 1.5],
    [{ type: 'number' }, '-3', -3],
    [{ type: 'number' }, '1e3', 1000],
    [{ type: 'boolean' }, true, true],
    [{ type: 'boolean' }, 'true', true],
    [{ type: 'boolean' }, 'Yes', true],
    [{ type: 'boolean' }, '1', true],
    [{ type: 'boolean' }, 1, true],
    [{ type: 'boolean' }, 'FALSE', false],
    [{ type: 'boolean' }, 'no', false],
    [{ type: 'boolean' }, '0', false],
    [{ type: 'boolean' }, 0, false],
    [{}, 'text', 'text'],
    [{}, '', ''],
    [{}, 5, '5'],
    [{}, false, 'false'],
    [SELECT, 1, '1'],
    [SELECT, true, 'true'],
    [{ type: 'array' }, [1, 'a', null], [1, 'a', null]],
    [{ type: 'array' }, '["a"]', ['a']],
    [{ type: 'object' }, { a: { b: 1 } }, { a: { b: 1 } }],
    [{ type: 'object' }, ' {"a":1}', { a: 1 }],
    [{ type: 'select', multiple: true, options: options('1', '2') }, [1, '2'], ['1', '2']],
    [{ type: 'any' }, [1], [1]],
    [{ type: 'any' }, '{"a":1}', '{"a":1}'],
    [
      { type: 'date-range' },
      { start: '2025-01-01', end: '2025-01-02' },
      { start: '2025-01-01', end: '2025-01-02' },
    ],
    [{ type: 'file' }, FILE, FILE],
    [{ type: 'files' }, [FILE], [FILE]],
    [{ type: 'files' }, FILE, [FILE]],
  ])('%o takes %o', (declared, value, expected) => {
    expect(taken(declared, value)).toEqual(expected);
  });
});

describe('an optional argument without a value is absent', () => {
  const types: readonly Partial<ToolParameter>[] = [
    { type: 'number' },
    { type: 'boolean' },
    { type: 'array' },
    { type: 'object' },
    SELECT,
    { type: 'date-range' },
    { type: 'file' },
    { type: 'files' },
  ];
  test.each(types)('empty text and null for %o', (declared) => {
    const tool = toolWith([parameter('p', declared)]);
    for (const p of ['', null]) expect(tool.parseArguments({ p })).toEqual({ ok: true, parameters: {} });
    const required = toolWith([parameter('p', { ...declared, required: true })]);
    expect(required.parseArguments({ p: '' }).ok).toBe(false);
  });

  test('also inside an object, but an empty text where texts fit is a value', () => {
    const inputSchema = { type: 'object', properties: { n: { type: 'number' }, s: { type: 'string' } } };
    const tool = toolWith([parameter('p', { type: 'object', inputSchema })]);
    expect(tool.parseArguments({ p: { n: '', s: '' } })).toEqual({ ok: true, parameters: { p: { s: '' } } });
  });
});

describe('an unknown argument', () => {
  const tool = toolWith([parameter('query'), parameter('limit', { type: 'number' })]);

  test('that resembles no other is ignored and reported', () => {
    const extra = { sessionId: 's', action: 'sendMessage', toolCallId: 'call_1' };
    expect(tool.parseArguments({ query: 'x', ...extra })).toEqual({
      ok: true,
      parameters: { query: 'x' },
      ignored: ['sessionId', 'action', 'toolCallId'],
    });
    expect(toolWith([]).parseArguments({ toolCallId: 'call_1' })).toEqual({
      ok: true,
      parameters: {},
      ignored: ['toolCallId'],
    });
  });

  test('that resembles one that is given as well is ignored', () => {
    expect(tool.parseArguments({ query: 'x', sourceQuery: 'y' })).toEqual({
      ok: true,
      parameters: { query: 'x' },
      ignored: ['sourceQuery'],
    });
  });

  test('that resembles another is refused', () => {
    expect(tool.parseArguments({ querry: 'x' })).toEqual({
      ok: false,
      problems: [{ path: '/querry', message: 'unknown argument; did you mean "query"?' }],
    });
  });

  test('is a problem like the others if there are any', () => {
    expect(tool.parseArguments({ toolCallId: 'call_1', limit: 'many' })).toMatchObject({
      ok: false,
      problems: [{ path: '/limit' }, { path: '/toolCallId' }],
    });
  });

  test('inside a closed object is ignored by its path', () => {
    const range = toolWith([parameter('when', { type: 'date-range' })]);
    const when = { start: '2025-01-01', end: '2025-01-02' };
    expect(range.parseArguments({ when: { ...when, zone: 'UTC' } })).toEqual({
      ok: true,
      parameters: { when },
      ignored: ['when.zone'],
    });
  });
});

describe('arguments beyond the limits are refused as a whole', () => {
  const tool = toolWith([parameter('p', { type: 'any' }), parameter('list', { type: 'array' })]);
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  const message = (args: object) => {
    const parsed = tool.parseArguments(args);
    return parsed.ok ? 'accepted' : parsed.problems.map((problem) => problem.message).join();
  };

  test('depth, also inside a JSON text', () => {
    expect(message({ p: JSON.parse(nested(99)) as unknown })).toBe('accepted');
    for (const depth of [100, 8000, 200_000]) {
      expect(message({ p: JSON.parse(nested(depth)) as unknown })).toContain('more than 100 levels deep');
    }
    expect(message({ list: nested(8000) })).toContain('more than 100 levels deep');
  });

  test('number of values, also inside a JSON text', () => {
    const values = Array.from({ length: 250_000 }, () => 1);
    expect(message({ p: values })).toContain('more than 200000 values');
    expect(message({ list: JSON.stringify(values) })).toContain('more than 200000 values');
    expect(message({ list: values.slice(0, 100_000) })).toBe('accepted');
  });
});

const A_FILE =
  'a file such as {"url":"https://example.com/report.pdf"} or {"resource":"dify-file://…"} ' +
  'or {"data":"SGVsbG8=","filename":"hello.txt"}';

describe('everything else is refused with what was expected and what came', () => {
  test.each<[Partial<ToolParameter>, unknown, string]>([
    [{ type: 'number', required: true }, '', '/p: expected a number, got ""'],
    [{ type: 'number' }, 'abc', '/p: expected a number, got "abc"'],
    [{ type: 'number' }, '0x10', '/p: expected a number, got "0x10"'],
    [{ type: 'number' }, '1e999', '/p: expected a number, got "1e999"'],
    [{ type: 'number' }, true, '/p: expected a number, got true'],
    [{ type: 'number', min: 0, max: 10 }, 11, '/p: expected a number from 0 to 10, got 11'],
    [{ type: 'number', min: 0 }, -1, '/p: expected a number of at least 0, got -1'],
    [{ type: 'number', max: 5 }, 6, '/p: expected a number of at most 5, got 6'],
    [{ type: 'boolean' }, 'maybe', '/p: expected true or false, got "maybe"'],
    [{ type: 'boolean' }, 2, '/p: expected true or false, got 2'],
    [{}, ['a'], '/p: expected a string, got an array of 1'],
    [{}, {}, '/p: expected a string, got an object'],
    [SELECT, 'b', '/p: expected one of "1", "true", "a", got "b"'],
    [{ type: 'array' }, 'a, b', '/p: expected an array, got a string of 4 characters'],
    [{ type: 'array' }, '[1', '/p: expected an array, got a string of 2 characters'],
    [{ type: 'object' }, [], '/p: expected an object, got an array of 0'],
    [{ type: 'object' }, 'name=x', '/p: expected an object, got a string of 6 characters'],
    [{ type: 'date-range' }, { start: 'a' }, '/p/end: is required: expected a string'],
    [{ type: 'file' }, 'SGVsbG8=', `/p: expected ${A_FILE}, got a string of 8 characters`],
    [
      { type: 'file' },
      { filename: 'a.txt' },
      '/p: expected exactly one of url, resource and data, such as {"url":"https://example.com/report.pdf"}; got none',
    ],
    [
      { type: 'file' },
      {},
      '/p: expected exactly one of url, resource and data, such as {"url":"https://example.com/report.pdf"}; got none',
    ],
    [
      { type: 'file' },
      { data: '' },
      '/p: expected exactly one of url, resource and data, such as {"url":"https://example.com/report.pdf"}; got none',
    ],
    [
      { type: 'file' },
      { ...FILE, url: 'https://example.com/a' },
      '/p: expected exactly one of url, resource and data, such as {"url":"https://example.com/report.pdf"}; got url and data',
    ],
    [
      { type: 'file' },
      { data: 'SGVsbG8=' },
      '/p/filename: is required with data, such as {"data":"SGVsbG8=","filename":"hello.txt"}',
    ],
    [
      { type: 'file' },
      { url: 'example.com/a' },
      '/p/url: expected a web address, such as {"url":"https://example.com/report.pdf"}',
    ],
    [
      { type: 'file' },
      { url: 'file:///etc/passwd' },
      '/p/url: expected a web address, such as {"url":"https://example.com/report.pdf"}',
    ],
    [
      { type: 'file' },
      { url: 'https://' },
      '/p/url: expected a web address, such as {"url":"https://example.com/report.pdf"}',
    ],
    [{ type: 'file' }, { url: 5 }, '/p/url: expected a string, got 5'],
    [
      { type: 'file' },
      { ...FILE, data: 'not Base64!' },
      `/p/data: expected the file's bytes as Base64, such as {"data":"SGVsbG8=","filename":"hello.txt"}`,
    ],
    [
      { type: 'file' },
      { ...FILE, data: 'data:text/plain,Hello' },
      `/p/data: expected the file's bytes as Base64, such as {"data":"SGVsbG8=","filename":"hello.txt"}`,
    ],
    [
      { type: 'file' },
      { ...FILE, data: 'SGVsbG8===' },
      `/p/data: expected the file's bytes as Base64, such as {"data":"SGVsbG8=","filename":"hello.txt"}`,
    ],
    [{ type: 'files' }, ['x'], `/p/0: expected ${A_FILE}, got a string of 1 character`],
    [{ type: 'files' }, { url: 5 }, '/p/0/url: expected a string, got 5'],
    [
      { type: 'select', multiple: true, options: options('1', '2') },
      ['1', '3'],
      '/p/1: expected one of "1", "2", got "3"',
    ],
  ])('%o refuses %o', (declared, value, message) => {
    expect(taken(declared, value)).toEqual([message]);
  });

  test('long texts are not repeated, and texts for a text never', () => {
    const secret = `sk-${'x'.repeat(40)}`;
    for (const declared of [{ type: 'number' }, SELECT, { type: 'object' }, { type: 'file' }]) {
      expect(JSON.stringify(taken(declared, secret))).not.toContain('sk-');
    }
    expect(JSON.stringify(taken({ type: 'object' }, 'sk-short'))).not.toContain('sk-');
  });
});

describe('files', () => {
  const data = (file: object) => taken({ type: 'file' }, file);

  test.each([
    ['a data: URL', 'data:text/plain;charset=utf-8;base64,SGVsbG8='],
    ['line breaks', 'SGVs\r\nbG8=\n'],
    ['missing padding', 'SGVsbG8'],
  ])('%s around the Base64 is tolerated', (_, written) => {
    expect(data({ ...FILE, data: written, mime_type: 'text/plain' })).toEqual({
      ...FILE,
      mime_type: 'text/plain',
    });
  });

  test('the URL alphabet is turned into the plain one', () => {
    expect(data({ ...FILE, data: '-_-_' })).toEqual({ ...FILE, data: '+/+/' });
  });

  test('the media type of a data: URL counts where none is given', () => {
    const written = { ...FILE, data: 'data:image/png;base64,SGVsbG8=' };
    expect(data(written)).toEqual({ ...FILE, mime_type: 'image/png' });
    expect(data({ ...written, mime_type: null })).toEqual({ ...FILE, mime_type: 'image/png' });
    expect(data({ ...written, mime_type: 'image/webp' })).toEqual({ ...FILE, mime_type: 'image/webp' });
  });

  const URL_FILE = { url: 'https://example.com/a.pdf' };
  const KEPT = { resource: 'dify-file://abc/a.pdf' };

  test.each<[string, unknown, unknown]>([
    ['an address alone', ' https://example.com/a.pdf', URL_FILE],
    ['the URI of a kept file alone', 'dify-file://abc/a.pdf', KEPT],
    ['the URI of a kept file as a url', { url: 'dify-file://abc/a.pdf' }, KEPT],
    ['an address as a resource', { resource: 'https://example.com/a.pdf' }, URL_FILE],
    [
      'a data: URL alone',
      'data:image/png;base64,SGVsbG8=',
      { data: 'SGVsbG8=', filename: 'file.png', mime_type: 'image/png' },
    ],
    [
      'a data: URL as a url',
      { url: 'data:text/csv;base64,SGVsbG8=', filename: 'a.csv' },
      { data: 'SGVsbG8=', filename: 'a.csv', mime_type: 'text/csv' },
    ],
    [
      'what is left out as null or empty',
      { ...URL_FILE, data: '', resource: null, filename: '', mime_type: null },
      URL_FILE,
    ],
    ['an empty file', { data: '', filename: 'empty.txt' }, { data: '', filename: 'empty.txt' }],
    ['JSON as text', JSON.stringify(KEPT), KEPT],
  ])('%s is understood', (_, given, expected) => {
    expect(data(given as object)).toEqual(expected);
    expect(taken({ type: 'files' }, given)).toEqual([expected]);
  });

  test('a path is none where files of this machine may not be named', () => {
    expect(data({ path: '/etc/passwd' })).toEqual([
      expect.stringMatching(/^\/p\/path: unknown argument/),
      '/p: expected exactly one of url, resource and data, such as {"url":"https://example.com/report.pdf"}; got none',
    ]);
  });

  test('a path is one where files of this machine may be named', () => {
    const found = toolWith([parameter('p', { type: 'file' })], { fileSources: ['resource', 'path', 'data'] });
    const parsed = (p: unknown) => found.parseArguments({ p });
    expect(parsed('/srv/a.txt')).toEqual({ ok: true, parameters: { p: { path: '/srv/a.txt' } } });
    expect(parsed({ path: 'a.txt' })).toMatchObject({
      problems: [{ path: '/p/path', message: 'expected an absolute path' }],
    });
    expect(parsed({ url: 'https://example.com/a' })).toMatchObject({
      problems: [{ path: '/p/url' }, { path: '/p' }],
    });
    expect(data('/srv/a.txt' as never)).toEqual([expect.stringContaining('expected a file such as')]);
  });

  test('of 40 MB are checked in good time', () => {
    const large = 'A'.repeat(40 * 1024 * 1024);
    expect(data({ ...FILE, data: large })).toMatchObject({ filename: 'hello.txt' });
    expect(data({ ...FILE, data: `${large}!AAA` })).toEqual([
      `/p/data: expected the file's bytes as Base64, such as {"data":"SGVsbG8=","filename":"hello.txt"}`,
    ]);
  });
});

describe('absent values', () => {
  const parameters = [
    parameter('need', { required: true }),
    parameter('may'),
    parameter('count', { type: 'number', default: 5 }),
    parameter('thing', { type: 'any' }),
  ];

  test('optional ones are left out, null included, and defaults are filled in', () => {
    const published = toolWith(parameters);
    expect(published.parseArguments({ need: 'x' })).toEqual({
      ok: true,
      parameters: { need: 'x', count: 5 },
    });
    const nulls = published.parseArguments({ need: 'x', may: null, count: null, thing: undefined });
    expect(nulls).toEqual({ ok: true, parameters: { need: 'x', count: 5 } });
  });

  test('required ones are demanded, null included', () => {
    const published = toolWith(parameters);
    expect(published.parseArguments({})).toEqual({
      ok: false,
      problems: [{ path: '/need', message: 'is required: expected a string' }],
    });
    expect(published.parseArguments({ need: null })).toEqual({
      ok: false,
      problems: [{ path: '/need', message: 'expected a string, got null' }],
    });
    const any = toolWith([parameter('need', { type: 'any', required: true })]);
    expect(any.inputSchema['required']).toEqual(['need']);
    expect(any.parseArguments({})).toMatchObject({ problems: [{ path: '/need' }] });
  });

  test('names that every object inherits are absent like others', () => {
    const inherited = toolWith([parameter('constructor'), parameter('toString', { required: true })]);
    expect(inherited.parseArguments({ toString: 'x' })).toEqual({ ok: true, parameters: { toString: 'x' } });
    expect(inherited.parseArguments({})).toMatchObject({ problems: [{ path: '/toString' }] });
  });
});

describe('the arguments as a whole', () => {
  const published = toolWith([
    parameter('city', { required: true }),
    parameter('days', { type: 'number' }),
    parameter('mode', { form: 'form' }),
  ]);

  test('none are an empty object', () => {
    const bare = toolWith([]);
    expect(bare.parseArguments(undefined)).toEqual({ ok: true, parameters: {} });
    expect(bare.parseArguments(null)).toEqual({ ok: true, parameters: {} });
  });

  test.each([
    [['a'], 'an array of 1'],
    ['{"city":"x"}', 'a string of 12 characters'],
    [5, '5'],
  ])('%o is no object', (args, came) => {
    expect(published.parseArguments(args)).toEqual({
      ok: false,
      problems: [{ path: '', message: `expected the arguments as an object, got ${came}` }],
    });
  });

  test('all problems are reported at once', () => {
    const parsed = published.parseArguments({ citty: 'x', days: 'soon', mode: 'fast', 'a/b~c': 1, other: 2 });
    expect(parsed).toEqual({
      ok: false,
      problems: expect.arrayContaining([
        { path: '/city', message: 'is required: expected a string' },
        { path: '/days', message: 'expected a number, got "soon"' },
        { path: '/citty', message: 'unknown argument; did you mean "city"?' },
        { path: '/mode', message: 'callers cannot set this parameter: omit it' },
        { path: '/a~1b~0c', message: 'unknown argument; the tool takes city, days' },
        { path: '/other', message: 'unknown argument; the tool takes city, days' },
      ]) as unknown,
    });
    expect(parsed.ok ? 0 : parsed.problems.length).toBe(6);
  });

  test('a flood of problems is counted, not listed', () => {
    const numbers = toolWith([
      parameter('n', { type: 'array', inputSchema: { type: 'array', items: { type: 'number' } } }),
    ]);
    const parsed = numbers.parseArguments({ n: Array.from({ length: 500 }, () => 'x') });
    expect(parsed.ok ? [] : parsed.problems).toHaveLength(51);
    expect(parsed.ok ? '' : parsed.problems.at(-1)?.message).toBe('and 450 more problems');
  });

  test('a flood of problems inside a JSON text takes no longer than one outside', () => {
    const numbers = toolWith([
      parameter('n', { type: 'array', inputSchema: { type: 'array', items: { type: 'number' } } }),
    ]);
    const parsed = numbers.parseArguments({ n: JSON.stringify(Array.from({ length: 100_000 }, () => 'x')) });
    expect(parsed.ok ? '' : parsed.problems.at(-1)?.message).toBe('and at least 950 more problems');
  });

  test('a place inside a JSON text is found', () => {
    const list = toolWith([
      parameter('n', { type: 'array', inputSchema: { type: 'array', items: { type: 'number' } } }),
    ]);
    expect(list.parseArguments({ n: '[1,"two"]' })).toMatchObject({
      problems: [{ path: '/n/1', message: 'expected a number, got "two"' }],
    });
  });

  test('an own property named __proto__ is an unknown argument like any other', () => {
    const args = JSON.parse('{"city":"x","__proto__":{"days":1}}') as unknown;
    expect(published.parseArguments(args)).toMatchObject({ ok: true, ignored: ['__proto__'] });
  });

  test('what the caller handed over is left as it was', () => {
    const args = { city: 5, days: null };
    published.parseArguments(args);
    expect(args).toEqual({ city: 5, days: null });
  });
});

describe('costs in proportion to the arguments', () => {
  test('a long text that is almost a number', () => {
    const text = `${'1'.repeat(3_000_000)}x`;
    expect(taken({ type: 'number' }, text)).toEqual([
      '/p: expected a number, got a string of 3000001 characters',
    ]);
  });

  test('more unknown arguments than any client adds, which are all compared with no parameter', () => {
    const tool = toolWith(Array.from({ length: 500 }, (_, index) => parameter(`${'a'.repeat(55)}_${index}`)));
    const args = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [`${'b'.repeat(57)}${index}`, 1]),
    );
    const parsed = tool.parseArguments(args);
    expect(parsed.ok ? [] : parsed.problems.at(-1)?.message).toMatch(/^and at least \d+ more problems$/);
  });
});

describe('numbers beyond 2^53', () => {
  test.each<[Partial<ToolParameter>, unknown, unknown]>([
    [{ type: 'number' }, 1234567890123456789n, 1234567890123456789n],
    [{ type: 'number' }, ' +1234567890123456789 ', 1234567890123456789n],
    [{ type: 'number', min: 0, max: 9223372036854775807n }, '9223372036854775807', 9223372036854775807n],
    [{ type: 'string' }, 1234567890123456789n, '1234567890123456789'],
    [{ type: 'any' }, [1234567890123456789n], [1234567890123456789n]],
    [{ type: 'number', default: 1234567890123456789n }, undefined, 1234567890123456789n],
    [
      { type: 'number', inputSchema: { enum: [1, 1234567890123456789n] } },
      '1234567890123456789',
      1234567890123456789n,
    ],
    [
      { type: 'number', inputSchema: { type: 'integer', exclusiveMinimum: 9007199254740993n } },
      '9007199254740994',
      9007199254740994n,
    ],
  ])('%o takes %o', (declared, value, expected) => {
    expect(taken(declared, value)).toEqual(expected);
  });

  test.each<[Partial<ToolParameter>, unknown, string]>([
    [
      { type: 'number', max: 9223372036854775807n },
      9223372036854775808n,
      '/p: expected a number of at most 9223372036854775807, got 9223372036854775808',
    ],
    [
      { type: 'number', inputSchema: { enum: [1, 1234567890123456789n] } },
      1234567890123456788n,
      '/p: expected one of 1, 1234567890123456789, got 1234567890123456788',
    ],
    [
      { type: 'number' },
      '12345678901234567.89',
      '/p: expected a number, got "12345678901234567.89", which has more digits than a number can hold: round it',
    ],
    [{ type: 'boolean' }, 1234567890123456789n, '/p: expected true or false, got 1234567890123456789'],
    [
      { type: 'any' },
      { deep: [Number.NaN] },
      ': the arguments contain a number that cannot be sent with all its digits: give it as a string, or round it',
    ],
  ])('%o refuses %o', (declared, value, message) => {
    expect(taken(declared, value)).toEqual([message]);
  });
});
