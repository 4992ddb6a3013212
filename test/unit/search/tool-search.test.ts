import { describe, expect, it } from 'vitest';
import type { ToolResult } from '../../../src/model/content.ts';
import type { PublishedTool, Registry } from '../../../src/model/registry.ts';
import type { ToolRef } from '../../../src/model/tool.ts';
import * as own from '../../../src/search/search-tools.ts';
import { type SearchOutcome, type SearchScope, ToolSearch } from '../../../src/search/tool-search.ts';
import { largeCatalogue } from '../../support/large-catalogue.ts';
import { provider, registryOf, tool } from '../../support/declarations.ts';
import { catalogue, PROVIDERS, registryFrom, withReaders } from '../../support/search-catalogue.ts';

const READERS = ['acme_heron_mail__list_messages', 'acme_cloudgauge__current_weather'];

interface Entry {
  readonly name: string;
  readonly required: readonly string[];
  readonly callWith: string;
  readonly provider: string;
  readonly type: string;
  readonly authorized?: boolean;
}

interface Answer {
  readonly total: number;
  readonly tools: readonly Entry[];
  readonly advice: string;
}

function searchOf(registry: Registry, more: Partial<SearchScope> = {}) {
  const tools = new ToolSearch();
  const bridgeTools = new Set([...own.SEARCH_TOOL_NAMES, 'another_own_tool']);
  const scope = { registry, bridgeTools, previousNames: new Map(), ...more };
  const answer = (name: string, args?: unknown): Promise<SearchOutcome> => tools.answer(name, args, scope);
  /** The result, where nothing is to be called. */
  async function call(name: string, args?: unknown): Promise<ToolResult> {
    const outcome = await answer(name, args);
    if (outcome.kind === 'call') throw new Error(`${outcome.tool.name} is to be called.`);
    return outcome.result;
  }
  /** The name and the arguments of the tool that is to be called. */
  async function target(name: string, args?: unknown) {
    const outcome = await answer(name, args);
    if (outcome.kind === 'result') throw new Error(textOf(outcome.result));
    return { name: outcome.tool.name, args: outcome.args };
  }
  async function search(args: unknown): Promise<Answer & { readonly text: string }> {
    const result = await call('search_tools', args);
    expect(result.isError).toBeUndefined();
    return { ...(result.structuredContent as unknown as Answer), text: textOf(result) };
  }
  return { tools, call, target, search };
}

function textOf({ content }: ToolResult): string {
  return content.map((block) => (block.type === 'text' ? block.text : `<${block.type}>`)).join('\n');
}

describe('the definition of a search tool', () => {
  it.each([own.searchTools, own.describeTool, own.callTool, own.callReadTool, own.callWriteTool])(
    'is short, with an example that $tool.name takes',
    (ownTool) => {
      const { tool } = ownTool;
      expect(tool.description.length).toBeLessThan(400);
      const example = /Example: (\{.*\})$/.exec(tool.description)?.[1] ?? 'none';
      expect(ownTool.parse(JSON.parse(example)).ignored).toBeUndefined();
      expect(own.SEARCH_TOOLS).toContain(tool);
    },
  );
});

describe('search_tools', () => {
  it('answers with a line for each tool, and says the same in structured content', async () => {
    const { search } = searchOf(catalogue());
    const { text, tools, total } = await search({ query: 'send email message', limit: 1 });
    expect(text.split('\n').slice(0, 2)).toEqual([
      `1 of ${total} tools for "send email message", best match first:`,
      'acme_heron_mail__send_message — Send an email — Sends an email to one or more recipients. — required: to, subject',
    ]);
    expect(total).toBeGreaterThan(1);
    expect(tools[0]).toEqual({
      name: 'acme_heron_mail__send_message',
      title: 'Send an email',
      description: 'Sends an email to one or more recipients.',
      required: ['to', 'subject'],
      provider: 'Heron Mail',
      type: 'builtin',
      callWith: 'call_tool',
    });
    expect(text.endsWith('describe_tool returns the full definition of a tool.')).toBe(true);
  });

  it('says how many more there are and how to see them', async () => {
    const registry = registryOf(largeCatalogue(1000));
    const { search } = searchOf(registry);
    const { total, tools, advice } = await search({ query: 'delete' });
    expect(tools).toHaveLength(10);
    expect(total).toBeGreaterThan(10);
    expect(advice).toContain(`There are ${total - 10} more.`);
    expect(advice).toMatch(/filter by provider: \w+ \(\d+\), .* and \d+ more; or/);
    expect(advice).toContain('filter by type: ');
    expect(advice).toContain(`raise limit (at most ${own.MAX_RESULTS}`);

    expect((await search({ query: 'delete', limit: total - 1 })).advice).toContain(
      'There is 1 more. To see it: ',
    );

    const most = await search({ query: '', limit: own.MAX_RESULTS });
    expect(most).toMatchObject({ total: 1000 });
    expect(most.tools).toHaveLength(own.MAX_RESULTS);
    expect(most.advice).not.toContain('raise limit');
    expect(most.text.length).toBeLessThan(20_000);
  });

  it('says nothing of more where there are none', async () => {
    const { advice, text } = await searchOf(catalogue()).search({ query: 'iban' });
    expect(text).toContain('1 tool for "iban":\n');
    expect(advice).not.toContain('more');
  });

  it.each(['', '  ', '*'])('names all tools for the query %j', async (query) => {
    const registry = catalogue();
    const { tools, total, text } = await searchOf(registry).search({ query, limit: 50 });
    const usable = registry.tools.filter(({ authorized }) => authorized);
    const others = registry.tools.filter(({ authorized }) => !authorized);
    expect(others.length).toBeGreaterThan(0);
    expect(tools.map(({ name }) => name)).toEqual([...usable, ...others].map(({ name }) => name));
    expect(total).toBe(registry.tools.length);
    expect(text).toContain('tools, by name:\n');
  });

  it('puts the tool first whose very name is asked for', async () => {
    const { tools } = await searchOf(catalogue()).search({ query: 'acme_heron_mail__list_messages' });
    expect(tools[0]?.name).toBe('acme_heron_mail__list_messages');
  });

  it.each([
    [{ query: 'message', provider: 'Finch Chat' }, 'Finch Chat'],
    [{ query: 'message', provider: 'finch' }, 'Finch Chat'],
    [{ query: 'message', provider: 'acme/finch_chat/finch_chat' }, 'Finch Chat'],
    [{ query: '', type: 'workflow' }, 'Quarterly report'],
    [{ query: 'pet', type: 'api', provider: 'pet store' }, 'Pet store'],
  ])('keeps to the filters of %j', async (query, label) => {
    const { tools, total } = await searchOf(catalogue()).search(query);
    expect(total).toBeGreaterThan(0);
    expect([...new Set(tools.map(({ provider }) => provider))]).toEqual([label]);
  });

  it('takes a provider of the very name before those that contain it', async () => {
    const providers = PROVIDERS.map((item) =>
      item.name === 'webscraper' ? { ...item, label: { en_US: 'Finch' } } : item,
    );
    const { tools } = await searchOf(catalogue(providers)).search({ query: '', provider: 'FINCH' });
    expect(tools.map(({ provider }) => provider)).toEqual(['Finch']);
  });

  it('marks tools of providers without credentials, and which tool calls them', async () => {
    const { search } = searchOf(withReaders(catalogue(), READERS));
    const chat = await search({ query: 'a reaction or a pet' });
    expect(chat.text).toContain(' — call_write_tool — not authorised in Dify\n');
    // The best match comes last, because it cannot be used.
    expect(chat.tools.map(({ name, authorized }) => [name, authorized])).toEqual([
      ['api_pets__addPet', undefined],
      ['api_pets__getPetById', undefined],
      ['acme_finch_chat__add_reaction', false],
    ]);
    expect(chat.tools[2]).toMatchObject({ callWith: 'call_write_tool' });
    const weather = await search({ query: 'current weather', limit: 1 });
    expect(weather.text).toContain(' — required: city — call_read_tool\n');
    expect(weather.tools[0]).toMatchObject({ callWith: 'call_read_tool' });
  });

  describe('without a result', () => {
    it('says what to try, and which providers there are', async () => {
      const { text, advice, total, tools } = await searchOf(catalogue()).search({ query: 'xylophone' });
      expect({ total, tools }).toEqual({ total: 0, tools: [] });
      const [first] = text.split(' Try fewer words, more general words or synonyms. ');
      expect(first).toBe('No tools found for "xylophone". The tools are described in English, Chinese.');
      expect(text).toContain('Heron Mail (4), 百科工具箱 (4), ');
      expect(advice).toBe(text);
    });

    it.each([
      ['German', 'Termine der Müllabfuhr für eine Straße.'],
      ['Portuguese', 'Pesquisa uma palavra em todos os documentos.'],
      ['Korean', '도시의 현재 날씨를 알려줍니다.'],
    ])('names the language of the descriptions: %s', async (language, description) => {
      const described = registryOf([
        provider('acme/kit/kit', [tool('one', [], { description: { en_US: description } })]),
      ]);
      const { text } = await searchOf(described).search({ query: 'xylophone' });
      expect(text).toContain(`The tools are described in ${language}. `);
    });

    it('says how many there are without the filter', async () => {
      const { text } = await searchOf(catalogue()).search({ query: 'iban', type: 'api' });
      expect(text).toBe('No tools found for "iban" with type api. Without the filter there is 1: omit type.');
    });

    it('names the providers that may be meant', async () => {
      const { search } = searchOf(catalogue());
      expect((await search({ query: 'mail', provider: 'Hern Mail' })).text).toContain(
        'Similar providers: Heron Mail.',
      );
      expect((await search({ query: 'mail', provider: 'qqqq' })).text).toContain(
        'Providers, with their number of tools',
      );
    });

    it('says so of a workspace without tools', async () => {
      const { text } = await searchOf(catalogue([])).search({ query: 'mail' });
      expect(text).toContain('No tools of this workspace are published');
    });
  });

  it('takes arguments in the form in which models send them, and refuses others in the known words', async () => {
    const { call, search } = searchOf(catalogue());
    expect((await search({ query: 'mail', limit: '2', type: null })).tools).toHaveLength(2);
    const result = await call('search_tools', { quer: 'mail', limit: 51, type: 'plugin' });
    expect(result.isError).toBe(true);
    expect(textOf(result).split('\n')).toEqual([
      'The arguments do not fit the tool search_tools: 4 problems.',
      '- /query: is required: expected a string',
      '- /limit: expected a whole number from 1 to 50, got 51',
      '- /type: expected one of "builtin", "workflow", "api", "mcp", got "plugin"',
      '- /quer: unknown argument; did you mean "query"?',
      'Correct the arguments and call again.',
    ]);
  });
});

describe('describe_tool', () => {
  it('gives what tools/list would have shown, and how to call it', async () => {
    const registry = catalogue();
    const { call } = searchOf(registry);
    const result = await call('describe_tool', { name: 'acme_heron_mail__send_message' });
    const tool = registry.get('acme_heron_mail__send_message');
    expect(result.structuredContent).toEqual({
      name: tool?.name,
      title: tool?.title,
      description: tool?.description,
      inputSchema: tool?.inputSchema,
      callWith: 'call_tool',
    });
    expect(JSON.parse(textOf(result))).toEqual(result.structuredContent);
  });

  it('has the output schema where there is one', async () => {
    const outputSchema = { type: 'object', properties: { answer: { type: 'string' } } };
    const tools = catalogue().tools.map((tool) => ({ ...tool, outputSchema }));
    const result = await searchOf(registryFrom(tools)).call('describe_tool', {
      name: 'webscraper__webscraper',
    });
    expect(result.structuredContent).toMatchObject({ outputSchema });
  });

  it('names similar tools for an unknown one', async () => {
    const result = await searchOf(catalogue()).call('describe_tool', { name: 'heron_mail__send_mesage' });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(
      /^There is no tool named "heron_mail__send_mesage"\.\nSimilar names: .*acme_heron_mail__send_message.*\. search_tools finds tools by what they do\.$/,
    );
  });

  it.each([undefined, {}, { name: 5, extra: true }, 'text'])('refuses %j', async (args) => {
    const result = await searchOf(catalogue()).call('describe_tool', args);
    expect(result.isError).toBe(true);
  });
});

describe('call_tool', () => {
  it('calls the tool of that name, with the arguments as they are', async () => {
    const args = { nested: { deep: [1, null, { a: 'é' }] }, none: null, text: '5' };
    const { target } = searchOf(catalogue());
    expect(await target('call_tool', { name: 'webscraper__webscraper', arguments: args })).toEqual({
      name: 'webscraper__webscraper',
      args,
    });
  });

  it('takes arguments as JSON text, and none where the tool needs none', async () => {
    const { target } = searchOf(catalogue());
    const name = 'acme_heron_mail__delete_message';
    const given = [{ name, arguments: '{"message_id":"7"}' }, { name }, { name, arguments: null }];
    const targets = await Promise.all(given.map((args) => target('call_tool', args)));
    expect(targets.map(({ args }) => args)).toEqual([{ message_id: '7' }, {}, {}]);
  });

  it('says where to put arguments that are next to the name', async () => {
    const { call } = searchOf(catalogue());
    const result = await call('call_tool', { name: 'acme_heron_mail__delete_message', message_id: '7' });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain('/message_id: unknown argument');
    expect(textOf(result)).toContain('into "arguments"');
  });

  it('calls with the given arguments whatever else is next to them', async () => {
    const { target } = searchOf(catalogue());
    const args = {
      name: 'acme_heron_mail__delete_message',
      arguments: { message_id: '7' },
      toolCallId: 'call_1',
    };
    expect((await target('call_tool', args)).args).toEqual({ message_id: '7' });
  });

  it('answers an unknown name with similar ones and the advice to search', async () => {
    const { call } = searchOf(catalogue());
    const result = await call('call_tool', { name: 'webscraper__webscrapper' });
    expect(result).toEqual({
      isError: true,
      content: [
        {
          type: 'text',
          text:
            'There is no tool named "webscraper__webscrapper".\n' +
            'Similar names: webscraper__webscraper. search_tools finds tools by what they do.',
        },
      ],
    });
    expect(textOf(await call('call_tool', { name: 'qqqqqqqqqq' }))).not.toContain('Similar');
  });

  it('says why a tool is withheld, and what became of one that is gone', async () => {
    const registry: Registry = {
      ...catalogue(),
      withheld: [
        {
          name: 'hidden__tool',
          title: 'Hidden',
          ref: { providerType: 'builtin', providerId: 'hidden', tool: 'tool' },
          reason: 'hidden',
          detail: 'A deny rule.',
        },
      ],
    };
    const withheld = await searchOf(registry).call('call_tool', { name: 'hidden__tool' });
    expect(textOf(withheld)).toContain('A deny rule.');

    const scraper = registry.get('webscraper__webscraper')?.ref as ToolRef;
    const previousNames = new Map([['old__name', scraper]]);
    const gone = await searchOf(registry, { previousNames }).call('describe_tool', { name: 'old__name' });
    expect(textOf(gone)).toMatch(
      /^The tool old__name is now called webscraper__webscraper\.\nCall webscraper__webscraper\. .*: see describe_tool\.$/,
    );
  });

  it('follows an alias to the tool of today', async () => {
    const registry = catalogue();
    const aliased: Registry = {
      ...registry,
      get: (name) => registry.get(name === 'old__scraper' ? 'webscraper__webscraper' : name),
    };
    const { call, target } = searchOf(aliased);
    expect((await target('call_tool', { name: 'old__scraper' })).name).toBe('webscraper__webscraper');
    const described = await call('describe_tool', { name: 'old__scraper' });
    expect(described.structuredContent).toMatchObject({ name: 'webscraper__webscraper' });
  });

  it.each([...own.SEARCH_TOOL_NAMES, 'another_own_tool'])('does not call %s through itself', async (name) => {
    const result = await searchOf(catalogue()).call('call_tool', { name, arguments: { query: 'x' } });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain('Call it directly');
  });

  it('calls a published tool that has the name of a search tool', async () => {
    const [first] = catalogue().tools;
    const registry = registryFrom([{ ...(first as PublishedTool), name: 'search_tools' }]);
    expect((await searchOf(registry).target('call_tool', { name: 'search_tools' })).name).toBe(
      'search_tools',
    );
  });
});

describe('call_read_tool and call_write_tool', () => {
  const [reader = ''] = READERS;
  const writer = 'acme_heron_mail__create_draft';

  it('call each its own half', async () => {
    const { target } = searchOf(withReaders(catalogue(), READERS));
    expect((await target('call_read_tool', { name: reader })).name).toBe(reader);
    expect((await target('call_write_tool', { name: writer, arguments: { to: 'x' } })).name).toBe(writer);
  });

  it('name the right one for the other half, and do not call', async () => {
    const { call } = searchOf(withReaders(catalogue(), READERS));
    const written = await call('call_read_tool', { name: writer, arguments: { to: 'x' } });
    expect(written.isError).toBe(true);
    expect(textOf(written)).toBe(
      `The tool ${writer} is not known to be read-only.\nIt was not called. Call it with call_write_tool and the same arguments.`,
    );
    const read = await call('call_write_tool', { name: reader });
    expect(textOf(read)).toContain('Call it with call_read_tool');
  });

  it('serve clients that have their list from before the split changed, but never write as a read', async () => {
    const split = searchOf(withReaders(catalogue(), READERS));
    expect((await split.target('call_tool', { name: reader })).name).toBe(reader);
    expect((await split.target('call_tool', { name: writer, arguments: { to: 'x' } })).name).toBe(writer);

    const whole = searchOf(catalogue());
    expect((await whole.target('call_write_tool', { name: writer })).name).toBe(writer);
    expect(textOf(await whole.call('call_read_tool', { name: reader }))).toContain('Call it with call_tool');
  });
});

describe('the index', () => {
  it('follows the registry and reads no tool a second time that has stayed', async () => {
    let reads = 0;
    const counted = catalogue().tools.map((tool) => {
      const { description } = tool;
      return Object.defineProperty({ ...tool }, 'description', {
        enumerable: true,
        get: () => {
          reads += 1;
          return description;
        },
      });
    });
    const tools = new ToolSearch();
    const find = async (registry: Registry, query: string): Promise<unknown> => {
      const scope = { registry, bridgeTools: own.SEARCH_TOOL_NAMES, previousNames: new Map() };
      const outcome = await tools.answer('search_tools', { query, limit: 1 }, scope);
      return outcome.kind === 'result' ? outcome.result.structuredContent?.['total'] : undefined;
    };
    expect(await find(registryFrom(counted), 'weather')).toBe(3);
    const first = reads;
    expect(first).toBeGreaterThan(counted.length);
    expect(await find(registryFrom([...counted]), 'weather')).toBe(3);
    // A registry of the fixture reads them for its fingerprint, and the answer reads that of its one tool twice.
    expect(reads - first).toBe(counted.length + 2);

    const forecasts = PROVIDERS.filter(({ name }) => !name.includes('cloudgauge'));
    expect(await find(catalogue(), 'weather')).toBe(3);
    expect(await find(catalogue(forecasts), 'weather')).toBe(1);
  });
});
