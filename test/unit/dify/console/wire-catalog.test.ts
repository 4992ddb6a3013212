import { describe, expect, it } from 'vitest';
import { toDifyTools, toToolProvider, toToolProviders } from '../../../../src/dify/console/wire-catalog.ts';
import type { ToolParameter } from '../../../../src/model/tool.ts';
import { wireParameter, wireProvider, wireTool } from '../../../support/console-listings.ts';

function readParameter(fields: Record<string, unknown>, drop: readonly string[] = []): ToolParameter {
  const raw = wireParameter('p', fields);
  for (const key of drop) Reflect.deleteProperty(raw, key);
  const reading = toDifyTools([wireTool('t', { parameters: [raw] })], 'builtin', 'x');
  const parameter = reading?.tools[0]?.parameters[0];
  if (parameter === undefined) throw new Error(`not read: ${JSON.stringify(reading?.problems)}`);
  return parameter;
}

describe('providers', () => {
  it('takes over every field of a complete provider', () => {
    const tool = wireTool('t', {
      output_schema: { type: 'object', properties: { out: { type: 'file' } } },
      parameters: [],
    });
    const { provider, problems } = toToolProvider(
      wireProvider('workflow', 'some-uuid', [tool], { name: 'Label', is_team_authorization: false }),
      'workflow',
      1,
    );
    expect(problems).toEqual([]);
    expect(provider).toMatchObject({
      type: 'workflow',
      id: 'some-uuid',
      name: 'Label',
      authorized: false,
      label: { en_US: 'some-uuid' },
      description: { en_US: 'provider some-uuid' },
      tools: [{ name: 't', parameters: [], outputSchema: { properties: { out: { type: 'file' } } } }],
    });
  });

  it('has the tags that Dify has, and no more', () => {
    const tagsOf = (labels: unknown) =>
      toToolProvider(wireProvider('builtin', 'x', [], { labels }), 'builtin', 1);
    expect(tagsOf(['search', 5, 'news']).provider?.tags).toEqual(['search', 'news']);
    for (const nothing of [[], null, 'search', {}]) {
      expect(tagsOf(nothing).provider).toMatchObject({ tags: undefined });
    }
  });

  it('names an MCP server by its server identifier, wherever the listing has it', () => {
    const inTools = toToolProvider(wireProvider('mcp', 'srv', []), 'mcp', 1);
    const inProviders = toToolProvider(
      wireProvider('mcp', '5aa3a6ef-83d3-42a2-a3b7-000000000000', [], { server_identifier: 'srv' }),
      'mcp',
      1,
    );
    expect([inTools.provider?.id, inProviders.provider?.id]).toEqual(['srv', 'srv']);
  });

  it('reads a server identifier of no other type', () => {
    const raw = wireProvider('api', 'uuid', [], { server_identifier: 'srv' });
    expect(toToolProvider(raw, 'api', 1).provider?.id).toBe('uuid');
  });

  it('reads a provider of nothing but an id', () => {
    expect(toToolProvider({ id: 'bare', future: { field: 1 } }, 'builtin', 1)).toEqual({
      provider: {
        type: 'builtin',
        id: 'bare',
        name: 'bare',
        label: {},
        description: {},
        authorized: true,
        tools: [],
      },
      problems: [],
    });
  });

  it.each([[null], [undefined]])('treats %s in every optional field as absent', (nothing) => {
    const raw = { id: 'x', name: nothing, label: nothing, description: nothing, tools: nothing };
    expect(toToolProvider({ ...raw, is_team_authorization: nothing }, 'api', 1).provider).toMatchObject({
      name: 'x',
      label: {},
      tools: [],
      authorized: true,
    });
  });

  it('leaves out and names what is no provider, and keeps the rest', () => {
    const listing = toToolProviders(
      [null, 'text', { name: 'nameless id' }, { id: 'bad', tools: 'none' }, { id: 'good' }, { id: '' }],
      'api',
    );
    expect(listing?.providers.map(({ id }) => id)).toEqual(['good']);
    expect(listing?.problems.map(({ providerId }) => providerId)).toEqual([
      'entry 1',
      'entry 2',
      'nameless id',
      'bad',
      'entry 6',
    ]);
    for (const { message } of listing?.problems ?? []) expect(message).toMatch(/is left out: (it|its) /);
  });

  it('uses the first of two providers with one id', () => {
    const listing = toToolProviders(
      [
        { id: 'x', name: 'first' },
        { id: 'x', name: 'second' },
      ],
      'api',
    );
    expect(listing?.providers.map(({ name }) => name)).toEqual(['first']);
    expect(listing?.problems).toMatchObject([{ providerId: 'x', message: expect.stringContaining('twice') }]);
  });

  it.each([[{ data: [] }], [null], ['[]']])('knows that %j is no list', (raw) => {
    expect(toToolProviders(raw, 'api')).toBeUndefined();
    expect(toDifyTools(raw, 'api', 'x')).toBeUndefined();
  });
});

describe('tools', () => {
  it('leaves out and names a bad tool, and keeps its neighbours', () => {
    const reading = toDifyTools(
      [
        wireTool('good'),
        null,
        wireTool(''),
        wireTool('listless', { parameters: { q: 1 } }),
        wireTool('nameless', { parameters: [wireParameter('a'), { type: 'string' }] }),
        wireTool('good', { description: 'the second' }),
        wireTool('last', { parameters: null }),
      ],
      'builtin',
      'acme/kit/kit',
    );
    expect(reading?.tools.map(({ name }) => name)).toEqual(['good', 'last']);
    expect(reading?.tools[0]?.description['en_US']).toBe('does good');
    const messages = reading?.problems.map(({ message }) => message);
    expect(messages).toEqual([
      'Tool 2 of "acme/kit/kit" is left out: it is not an object.',
      'Tool 3 of "acme/kit/kit" is left out: it has no name.',
      'The tool "listless" of "acme/kit/kit" is left out: its parameters are not a list.',
      'The tool "nameless" of "acme/kit/kit" is left out: parameter 2 is not an object with a name.',
      'The tool "good" of "acme/kit/kit" is listed twice; the first one is used.',
    ]);
    for (const problem of reading?.problems ?? []) {
      expect(problem).toMatchObject({ providerType: 'builtin', providerId: 'acme/kit/kit' });
    }
  });

  it.each([[{}], [null], [undefined], ['object']])('has no output schema where Dify says %j', (schema) => {
    const reading = toDifyTools([wireTool('t', { output_schema: schema })], 'api', 'x');
    expect(reading?.tools[0]).toMatchObject({ outputSchema: undefined });
  });

  it('takes a bare text as English and drops locales without a text', () => {
    const reading = toDifyTools(
      [wireTool('t', { label: 'Bare', description: { en_US: 'E', ja_Jp: 'J', zh_Hans: null, pt_BR: 7 } })],
      'api',
      'x',
    );
    expect(reading?.tools[0]).toMatchObject({ label: { en_US: 'Bare' } });
    expect(reading?.tools[0]?.description).toEqual({ en_US: 'E', ja_Jp: 'J' });
  });
});

describe('parameters', () => {
  it('has only what Dify declares', () => {
    expect(readParameter({})).toEqual({
      name: 'p',
      type: 'string',
      form: 'llm',
      required: false,
      label: { en_US: 'p', zh_Hans: 'p', pt_BR: 'p', ja_JP: 'p' },
      humanDescription: { en_US: 'human p', zh_Hans: 'human p', pt_BR: 'human p', ja_JP: 'human p' },
      llmDescription: 'llm p',
      options: [],
    });
  });

  it('reads a parameter of nothing but a name', () => {
    const keys = Object.keys(wireParameter('p')).filter((key) => key !== 'name');
    expect(readParameter({}, keys)).toEqual({
      name: 'p',
      type: 'any',
      form: 'llm',
      required: false,
      label: {},
      humanDescription: {},
      llmDescription: '',
      options: [],
    });
  });

  it.each(['date-range', 'dynamic-select', 'model-selector', 'of-2031'])('keeps the type %s', (type) => {
    expect(readParameter({ type, form: 'schema' })).toMatchObject({ type, form: 'schema' });
  });

  it('knows system-files as files, as the lists call them', () => {
    expect(readParameter({ type: 'system-files' }).type).toBe('files');
  });

  it('reads numbers that come as texts, and no other texts', () => {
    expect(readParameter({ min: '1', max: '2.5' })).toMatchObject({ min: 1, max: 2.5 });
    const none = readParameter({ min: '', max: 'many' });
    expect(none).toMatchObject({ min: undefined });
    expect(none).toMatchObject({ max: undefined });
    expect(readParameter({ min: 0, max: -0.5 })).toMatchObject({ min: 0, max: -0.5 });
  });

  it.each([[0], [false], [''], ['x'], [[]], [{ a: 1 }]])('keeps the default %j', (value) => {
    expect(readParameter({ default: value }).default).toEqual(value);
  });

  it('has no default where Dify says null', () => {
    expect(readParameter({ default: null })).toMatchObject({ default: undefined });
  });

  it('makes every option value a text', () => {
    const options = [
      { value: 'a', label: { en_US: 'A' }, icon: null },
      { value: 3, label: null },
      { value: false },
      'bare',
      { value: null, label: { en_US: 'none' } },
      { label: { en_US: 'no value' } },
      null,
    ];
    expect(readParameter({ options }).options).toEqual([
      { value: 'a', label: { en_US: 'A' } },
      { value: '3', label: {} },
      { value: 'false', label: {} },
      { value: 'bare', label: {} },
    ]);
    expect(readParameter({ options: null }).options).toEqual([]);
  });

  it('takes over input schema and multiple where they say something', () => {
    const schema = { type: 'array', items: { type: 'number' } };
    expect(readParameter({ input_schema: schema, multiple: true })).toMatchObject({
      inputSchema: schema,
      multiple: true,
    });
    const none = readParameter({ input_schema: null, multiple: null });
    expect(none).toMatchObject({ inputSchema: undefined });
    expect(none).toMatchObject({ multiple: undefined });
  });

  it('reads null descriptions as none', () => {
    expect(readParameter({ human_description: null, llm_description: null })).toMatchObject({
      humanDescription: {},
      llmDescription: '',
    });
  });
});

it('a provider with more broken tools than a call can have arguments is read', () => {
  const tools = Array.from({ length: 200_000 }, () => null);
  const listing = toToolProviders([{ id: 'time', name: 'time', tools }], 'builtin');
  expect(listing?.problems).toHaveLength(200_000);
});
