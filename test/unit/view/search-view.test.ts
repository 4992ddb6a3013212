import { describe, expect, it } from 'vitest';
import type { CallContext, CallTool } from '../../../src/model/call.ts';
import type { ToolResult } from '../../../src/model/content.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import type { PublishedTool, Registry } from '../../../src/model/registry.ts';
import * as own from '../../../src/search/search-tools.ts';
import { createSearchView, type SearchViewOptions } from '../../../src/view/search-view.ts';
import { errorOf } from '../../support/error-of.ts';
import { largeCatalogue } from '../../support/large-catalogue.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { registryOf } from '../../support/declarations.ts';
import {
  catalogue,
  changingSource,
  PROVIDERS,
  recordingCalls,
  registryFrom,
  withReaders,
} from '../../support/search-catalogue.ts';

const READERS = ['acme_heron_mail__list_messages', 'acme_cloudgauge__current_weather'];
const context = (): CallContext => ({ signal: new AbortController().signal });

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

function viewOf(registry: Registry | undefined, more: Partial<SearchViewOptions> = {}) {
  const source = changingSource(registry);
  const { calls, callTool } = recordingCalls(source);
  const view = createSearchView({
    registry: source,
    callTool,
    pinned: () => false,
    splitEffects: 'auto',
    ...more,
  });
  const call = (name: string, args?: unknown, given = context()): Promise<ToolResult> =>
    view.callTool(name, args, given);
  return {
    view,
    source,
    calls,
    call,
    names: () => view.tools.current()?.tools.map(({ name }) => name),
    search: async (args: unknown): Promise<Answer & { readonly text: string }> => {
      const result = await call('search_tools', args);
      expect(result.isError).toBeUndefined();
      return { ...(result.structuredContent as unknown as Answer), text: textOf(result) };
    },
  };
}

function textOf({ content }: ToolResult): string {
  return content.map((block) => (block.type === 'text' ? block.text : `<${block.type}>`)).join('\n');
}

describe('what clients see', () => {
  it('is three tools', () => {
    expect(viewOf(catalogue()).names()).toEqual(['call_tool', 'describe_tool', 'search_tools']);
  });

  it('is four where tools are declared as only reading', () => {
    const { view, names } = viewOf(withReaders(catalogue(), READERS));
    expect(names()).toEqual(['call_read_tool', 'call_write_tool', 'describe_tool', 'search_tools']);
    const hints = view.tools.current()?.tools.map(({ annotations }) => annotations['readOnlyHint']);
    expect(hints).toEqual([true, false, true, true]);
  });

  it('stays three where the view does not split', () => {
    const { names } = viewOf(withReaders(catalogue(), READERS), { splitEffects: 'never' });
    expect(names()).toContain('call_tool');
  });

  it('has the pinned tools between them, by name and as they are', () => {
    const registry = catalogue();
    const pinned = (tool: PublishedTool): boolean =>
      tool.name.startsWith('acme_c') || tool.name.startsWith('web');
    const { view, names } = viewOf(registry, { pinned });
    expect(names()).toEqual([
      'acme_cloudgauge__current_weather',
      'acme_cloudgauge__weather_forecast',
      'call_tool',
      'describe_tool',
      'search_tools',
      'webscraper__webscraper',
    ]);
    expect(view.tools.current()?.tools[0]).toBe(
      registry.tools.find(({ name }) => name === 'acme_cloudgauge__current_weather'),
    );
  });

  it.each([own.searchTools, own.describeTool, own.callTool, own.callReadTool, own.callWriteTool])(
    'is described shortly, with an example that the definition of $tool.name takes',
    (ownTool) => {
      const { tool } = ownTool;
      expect(tool.description.length).toBeLessThan(400);
      const example = /Example: (\{.*\})$/.exec(tool.description)?.[1] ?? 'none';
      expect(ownTool.parse(JSON.parse(example))).toMatchObject({ ok: true });
      expect(own.OWN_TOOLS).toContain(tool);
    },
  );

  it('waits for the catalogue, and says why there is none', async () => {
    const { view, source, names } = viewOf(undefined);
    expect(names()).toBeUndefined();
    const list = view.tools.ready();
    source.set(catalogue());
    expect((await list).tools).toHaveLength(3);

    const failure = new BridgeError('catalog_unavailable', 'The tools could not be loaded.');
    const failing = { ...changingSource(), ready: () => Promise.reject(failure) };
    const broken = viewOf(undefined, { registry: failing });
    expect(await errorOf(broken.view.tools.ready())).toBe(failure);
    expect(await errorOf(broken.call('search_tools', { query: 'x' }))).toBe(failure);
    expect(await errorOf(broken.call('call_tool', { name: 'x' }))).toBe(failure);
  });
});

describe('a change of the registry', () => {
  const pinned = ({ name }: PublishedTool): boolean => name === 'webscraper__webscraper';

  function watched(first: Registry | undefined) {
    const running = viewOf(first, { pinned });
    const heard: (readonly string[])[] = [];
    const end = running.view.tools.onChange(({ tools }) => heard.push(tools.map(({ name }) => name)));
    return { ...running, heard, end };
  }

  it('is none for clients where tools come and go', async () => {
    const { view, source, heard, search } = watched(catalogue());
    const before = view.tools.current();
    expect((await search({ query: 'forecast' })).total).toBeGreaterThan(0);
    source.set(catalogue(PROVIDERS.filter(({ name }) => !name.includes('cloudgauge'))));
    expect(heard).toEqual([]);
    // The very same list, so that pages built from it stay good.
    expect(view.tools.current()).toBe(before);
    expect((await search({ query: 'forecast' })).total).toBe(0);
  });

  it('is one where a pinned tool changes, comes or goes', () => {
    const { source, heard } = watched(catalogue());
    const without = catalogue(PROVIDERS.filter(({ name }) => name !== 'webscraper'));
    source.set(without);
    expect(heard).toHaveLength(1);
    source.set(catalogue());
    expect(heard.at(-1)).toContain('webscraper__webscraper');
    source.set(registryFrom(catalogue().tools.map((tool) => ({ ...tool, title: `${tool.title}!` }))));
    expect(heard).toHaveLength(3);
  });

  it('is one where the tools become split, and where they no longer are', () => {
    const { source, heard } = watched(catalogue());
    source.set(withReaders(catalogue(), READERS));
    expect(heard.at(-1)).toContain('call_read_tool');
    source.set(withReaders(catalogue(), [READERS[0] ?? '']));
    expect(heard).toHaveLength(1);
    source.set(catalogue());
    expect(heard.at(-1)).toContain('call_tool');
    expect(heard).toHaveLength(2);
  });

  it('is measured by what clients saw, also when they came before the catalogue', () => {
    const { view, source, heard } = watched(undefined);
    source.set(catalogue());
    expect(view.tools.current()?.tools).toHaveLength(4);
    source.set(catalogue(PROVIDERS.slice(0, 8)));
    expect(heard).toEqual([]);
    source.set(catalogue(PROVIDERS.slice(0, 2)));
    expect(heard).toHaveLength(1);
  });

  it('is told to nobody who has left', () => {
    const { source, heard, end } = watched(catalogue());
    end();
    source.set(catalogue([]));
    expect(heard).toEqual([]);
  });
});

describe('search_tools', () => {
  it('answers with a line for each tool, and says the same in structured content', async () => {
    const { search } = viewOf(catalogue());
    const { text, tools, total } = await search({ query: 'send email message', limit: 1 });
    expect(text.split('\n').slice(0, 2)).toEqual([
      `1 of ${total} tools for "send email message", the best match first:`,
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
    expect(text.endsWith('describe_tool gives the full definition of a tool.')).toBe(true);
  });

  it('says how many more there are and how to see them', async () => {
    const registry = registryOf(largeCatalogue(1000));
    const { search } = viewOf(registry);
    const { total, tools, advice } = await search({ query: 'delete' });
    expect(tools).toHaveLength(10);
    expect(total).toBeGreaterThan(10);
    expect(advice).toContain(`There are ${total - 10} more.`);
    expect(advice).toMatch(/give a provider: \w+ \(\d+\), .* and \d+ more; or/);
    expect(advice).toContain('give a type: ');
    expect(advice).toContain(`raise limit, up to ${own.MAX_RESULTS}`);

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
    const { advice, text } = await viewOf(catalogue()).search({ query: 'iban' });
    expect(text).toContain('One tool for "iban":\n');
    expect(advice).not.toContain('more');
  });

  it.each(['', '  ', '*'])('names all tools for the query %j', async (query) => {
    const registry = catalogue();
    const { tools, total, text } = await viewOf(registry).search({ query, limit: 50 });
    expect(tools.map(({ name }) => name)).toEqual(registry.tools.map(({ name }) => name));
    expect(total).toBe(registry.tools.length);
    expect(text).toContain('tools, by name:\n');
  });

  it('puts the tool first whose very name is asked for', async () => {
    const { tools } = await viewOf(catalogue()).search({ query: 'acme_heron_mail__list_messages' });
    expect(tools[0]?.name).toBe('acme_heron_mail__list_messages');
  });

  it.each([
    [{ query: 'message', provider: 'Finch Chat' }, 'Finch Chat'],
    [{ query: 'message', provider: 'finch' }, 'Finch Chat'],
    [{ query: 'message', provider: 'acme/finch_chat/finch_chat' }, 'Finch Chat'],
    [{ query: '', type: 'workflow' }, 'Quarterly report'],
    [{ query: 'pet', type: 'api', provider: 'pet store' }, 'Pet store'],
  ])('keeps to the filters of %j', async (query, label) => {
    const { tools, total } = await viewOf(catalogue()).search(query);
    expect(total).toBeGreaterThan(0);
    expect([...new Set(tools.map(({ provider }) => provider))]).toEqual([label]);
  });

  it('takes a provider of the very name before those that contain it', async () => {
    const providers = PROVIDERS.map((item) =>
      item.name === 'webscraper' ? { ...item, label: { en_US: 'Finch' } } : item,
    );
    const { tools } = await viewOf(catalogue(providers)).search({ query: '', provider: 'FINCH' });
    expect(tools.map(({ provider }) => provider)).toEqual(['Finch']);
  });

  it('marks tools of providers without credentials, and which tool calls them', async () => {
    const { search } = viewOf(withReaders(catalogue(), READERS));
    const chat = await search({ query: 'add reaction', limit: 1 });
    expect(chat.text).toContain(' — call_write_tool — not authorised in Dify\n');
    expect(chat.tools[0]).toMatchObject({ authorized: false, callWith: 'call_write_tool' });
    const weather = await search({ query: 'current weather', limit: 1 });
    expect(weather.text).toContain(' — required: city — call_read_tool\n');
    expect(weather.tools[0]).toMatchObject({ callWith: 'call_read_tool' });
  });

  describe('without a result', () => {
    it('says what to try, and which providers there are', async () => {
      const { text, advice, total, tools } = await viewOf(catalogue()).search({ query: 'xylophone' });
      expect({ total, tools }).toEqual({ total: 0, tools: [] });
      expect(text).toContain('There is no tool for "xylophone". Try fewer or more general words');
      expect(text).toContain('Heron Mail (4), 百科工具箱 (4), ');
      expect(advice).toBe(text);
    });

    it('says how many there are without the filter', async () => {
      const { text } = await viewOf(catalogue()).search({ query: 'iban', type: 'api' });
      expect(text).toBe(
        'There is no tool for "iban" with type api. Without the filter there is 1: leave out type.',
      );
    });

    it('names the providers that may be meant', async () => {
      const { search } = viewOf(catalogue());
      expect((await search({ query: 'mail', provider: 'Hern Mail' })).text).toContain(
        'Similar providers: Heron Mail.',
      );
      expect((await search({ query: 'mail', provider: 'qqqq' })).text).toContain(
        'Providers and how many tools',
      );
    });

    it('says so of a workspace without tools', async () => {
      const { text } = await viewOf(catalogue([])).search({ query: 'mail' });
      expect(text).toContain('publishes no tools at all');
    });
  });

  it('takes arguments in the form in which models send them, and refuses others in the known words', async () => {
    const { call, search } = viewOf(catalogue());
    expect((await search({ query: 'mail', limit: '2', type: null })).tools).toHaveLength(2);
    const result = await call('search_tools', { quer: 'mail', limit: 51, type: 'plugin' });
    expect(result.isError).toBe(true);
    expect(textOf(result).split('\n')).toEqual([
      'The arguments do not fit the tool search_tools: 4 problems.',
      '- /query: is required: expected a string',
      '- /limit: expected a whole number from 1 to 50, got 51',
      '- /type: expected one of "builtin", "workflow", "api", "mcp", got "plugin"',
      '- /quer: there is no such argument; did you mean "query"?',
      'Correct the arguments and call again.',
    ]);
  });
});

describe('describe_tool', () => {
  it('gives what tools/list would have shown, and how to call it', async () => {
    const registry = catalogue();
    const { call } = viewOf(registry);
    const result = await call('describe_tool', { name: 'acme_heron_mail__send_message' });
    const tool = registry.get('acme_heron_mail__send_message');
    expect(result.structuredContent).toEqual({
      name: tool?.name,
      title: tool?.title,
      description: tool?.description,
      inputSchema: tool?.inputSchema,
      annotations: tool?.annotations,
      callWith: 'call_tool',
    });
    expect(JSON.parse(textOf(result))).toEqual(result.structuredContent);
  });

  it('has the output schema where there is one', async () => {
    const outputSchema = { type: 'object', properties: { answer: { type: 'string' } } };
    const tools = catalogue().tools.map((tool) => ({ ...tool, outputSchema }));
    const result = await viewOf(registryFrom(tools)).call('describe_tool', {
      name: 'webscraper__webscraper',
    });
    expect(result.structuredContent).toMatchObject({ outputSchema });
  });

  it('names similar tools for an unknown one', async () => {
    const result = await viewOf(catalogue()).call('describe_tool', { name: 'heron_mail__send_mesage' });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(
      /^There is no tool named "heron_mail__send_mesage"\.\nSimilar names: .*acme_heron_mail__send_message.*\. search_tools finds tools by what they do\.$/,
    );
  });

  it.each([undefined, {}, { name: 5, extra: true }, 'text'])('refuses %j', async (args) => {
    const result = await viewOf(catalogue()).call('describe_tool', args);
    expect(result.isError).toBe(true);
  });
});

describe('call_tool', () => {
  it('hands arguments and context on and the result back, untouched', async () => {
    const answered: ToolResult = {
      content: [
        { type: 'text', text: 'a.png' },
        { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' },
      ],
    };
    const calls: unknown[][] = [];
    const callTool: CallTool = async (...received) => {
      calls.push(received);
      return answered;
    };
    const { call } = viewOf(catalogue(), { callTool });
    const given: CallContext = { ...context(), requestId: 'r-1', observer: { log: () => undefined } };
    const args = { nested: { deep: [1, null, { a: 'é' }] }, none: null, text: '5' };
    const result = await call('call_tool', { name: 'webscraper__webscraper', arguments: args }, given);
    expect(result).toBe(answered);
    expect(calls).toEqual([['webscraper__webscraper', args, given]]);
    expect(calls[0]?.[2]).toBe(given);
  });

  it('checks the arguments with the definition of the tool itself', async () => {
    const { call } = viewOf(catalogue());
    const good = await call('call_tool', {
      name: 'acme_heron_mail__delete_message',
      arguments: { message_id: 7 },
    });
    expect(good.structuredContent).toEqual({ parameters: { message_id: '7' } });
    const bad = await call('call_tool', {
      name: 'acme_heron_mail__delete_message',
      arguments: { mesage_id: '7' },
    });
    expect(bad.isError).toBe(true);
    expect(textOf(bad)).toContain('did you mean "message_id"?');
  });

  it('takes arguments as JSON text, and none where the tool needs none', async () => {
    const { call, calls } = viewOf(catalogue());
    await call('call_tool', { name: 'acme_heron_mail__delete_message', arguments: '{"message_id":"7"}' });
    await call('call_tool', { name: 'acme_finch_chat__list_channels' });
    await call('call_tool', { name: 'acme_finch_chat__list_channels', arguments: null });
    expect(calls.map(({ args }) => args)).toEqual([{ message_id: '7' }, {}, {}]);
  });

  it('passes on what a call throws', async () => {
    const failure = new BridgeError('busy', 'Too many calls.');
    const { call } = viewOf(catalogue(), { callTool: () => Promise.reject(failure) });
    expect(await errorOf(call('call_tool', { name: 'webscraper__webscraper' }))).toBe(failure);
  });

  it('says where arguments go that stand beside the name', async () => {
    const { call, calls } = viewOf(catalogue());
    const result = await call('call_tool', { name: 'acme_heron_mail__delete_message', message_id: '7' });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain('/message_id: there is no such argument');
    expect(textOf(result)).toContain('go into "arguments"');
    expect(calls).toEqual([]);
  });

  it('answers an unknown name with similar ones and the advice to search', async () => {
    const { call, calls } = viewOf(catalogue());
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
    expect(calls).toEqual([]);
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
    const withheld = await viewOf(registry).call('call_tool', { name: 'hidden__tool' });
    expect(textOf(withheld)).toContain('A deny rule. search_tools finds tools');

    const unknownTool = (_: Registry, name: string): BridgeError =>
      new BridgeError('tool_not_found', `The tool ${name} is called webscraper__webscraper now.`);
    const gone = await viewOf(registry, { unknownTool }).call('describe_tool', { name: 'old__name' });
    expect(textOf(gone)).toMatch(/^The tool old__name is called webscraper__webscraper now\.\n/);
  });

  it('follows an alias to the tool of today', async () => {
    const registry = catalogue();
    const aliased: Registry = {
      ...registry,
      get: (name) => registry.get(name === 'old__scraper' ? 'webscraper__webscraper' : name),
    };
    const { call, calls } = viewOf(aliased);
    await call('call_tool', { name: 'old__scraper', arguments: { url: 'https://example.com' } });
    expect(calls[0]?.name).toBe('webscraper__webscraper');
    const described = await call('describe_tool', { name: 'old__scraper' });
    expect(described.structuredContent).toMatchObject({ name: 'webscraper__webscraper' });
  });

  it.each([...own.OWN_NAMES, 'another_own_tool'])('does not call %s through itself', async (name) => {
    const { call, calls } = viewOf(catalogue(), { otherOwnNames: new Set(['another_own_tool']) });
    const result = await call('call_tool', { name, arguments: { query: 'x' } });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain('Call it directly');
    expect(calls).toEqual([]);
  });
});

describe('call_read_tool and call_write_tool', () => {
  const [reader = ''] = READERS;
  const writer = 'acme_heron_mail__create_draft';

  it('call each its own half', async () => {
    const { call, calls } = viewOf(withReaders(catalogue(), READERS));
    await call('call_read_tool', { name: reader });
    await call('call_write_tool', { name: writer, arguments: { to: 'x' } });
    expect(calls.map(({ name }) => name)).toEqual([reader, writer]);
  });

  it('name the right one for the other half, and do not call', async () => {
    const { call, calls } = viewOf(withReaders(catalogue(), READERS));
    const written = await call('call_read_tool', { name: writer, arguments: { to: 'x' } });
    expect(written.isError).toBe(true);
    expect(textOf(written)).toBe(
      `The tool ${writer} is not known to only read.\nIt was not called. Call it with call_write_tool and the same arguments.`,
    );
    const read = await call('call_write_tool', { name: reader });
    expect(textOf(read)).toContain('Call it with call_read_tool');
    expect(calls).toEqual([]);
  });

  it('serve clients that have their list from before the split changed, but never write as a read', async () => {
    const split = viewOf(withReaders(catalogue(), READERS));
    await split.call('call_tool', { name: reader });
    await split.call('call_tool', { name: writer, arguments: { to: 'x' } });
    expect(split.calls).toHaveLength(2);

    const whole = viewOf(catalogue());
    await whole.call('call_write_tool', { name: writer, arguments: { to: 'x' } });
    expect(whole.calls).toHaveLength(1);
    expect(textOf(await whole.call('call_read_tool', { name: reader }))).toContain('Call it with call_tool');
    expect(whole.calls).toHaveLength(1);
  });
});

describe('published tools that are not listed', () => {
  it('can be called by name', async () => {
    const { call, calls } = viewOf(catalogue());
    const given = context();
    await call('webscraper__webscraper', { url: 'https://example.com' }, given);
    expect(calls[0]?.context).toBe(given);
  });

  it('are a protocol error where there is none of that name', async () => {
    expect((await errorOf(viewOf(catalogue()).call('nothing'))).code).toBe('tool_not_found');
  });

  it('come second where one has the name of an own tool, and the log says so once', async () => {
    const [first] = catalogue().tools;
    const registry = registryFrom([
      { ...(first as PublishedTool), name: 'search_tools' },
      ...catalogue().tools,
    ]);
    const logger = recordingLogger();
    const { view, source, call, calls, names } = viewOf(registry, { pinned: () => true, logger });
    expect(names()?.filter((name) => name === 'search_tools')).toHaveLength(1);
    expect(view.tools.current()?.tools.find(({ name }) => name === 'search_tools')?.title).toBe(
      'Search tools',
    );
    source.set(registryFrom(registry.tools.slice(1)));
    view.tools.current();
    expect(logger.lines).toEqual([
      {
        level: 'warn',
        message: expect.stringContaining('goes before it') as string,
        fields: { tool: 'search_tools' },
      },
    ]);

    source.set(registry);
    expect((await call('search_tools', { query: 'mail' })).isError).toBeUndefined();
    expect(calls).toEqual([]);
    await call('call_tool', { name: 'search_tools' });
    expect(calls.map(({ name }) => name)).toEqual(['search_tools']);
  });
});
