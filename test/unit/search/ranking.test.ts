import { describe, expect, it, vi } from 'vitest';
import type { PublishedTool, Registry } from '../../../src/model/registry.ts';
import type { DifyTool, ToolProvider } from '../../../src/model/tool.ts';
import { filterTools } from '../../../src/search/filters.ts';
import { createSearchIndex } from '../../../src/search/search-index.ts';
import { largeCatalogue } from '../../support/large-catalogue.ts';
import { officialTools, sharedNote } from '../../support/shared.ts';
import { officialProviders, provider, registryOf, tool } from '../../support/declarations.ts';
import { catalogue, PROVIDERS, registryFrom } from '../../support/search-catalogue.ts';

async function indexOf(registry: Registry) {
  const index = createSearchIndex();
  await index.follow(registry);
  return index;
}

describe('ranking', async () => {
  const index = await indexOf(catalogue());

  it.each([
    // by what it does, in words of title and description
    ['send an email', 'acme_heron_mail__send_message'],
    ['How do I send an email to a customer?', 'acme_heron_mail__send_message'],
    ['delete email', 'acme_heron_mail__delete_message'],
    ['post message to channel', 'acme_finch_chat__post_message'],
    ['weather forecast for the next days', 'acme_cloudgauge__weather_forecast'],
    ['directions by bicycle', 'acme_otter_maps__route'],
    ['search the web', 'acme_lynx_search__web_search'],
    ['read a web page', 'webscraper__webscraper'],
    // by name, in any spelling
    ['getPetById', 'api_pets__getPetById'],
    ['get pet by id', 'api_pets__getPetById'],
    ['pull request', 'acme_badger_code__mergePullRequest'],
    ['create_issue', 'acme_badger_code__createIssue'],
    // by provider
    ['badgercode issues', 'acme_badger_code__searchIssues'],
    ['ledger entry', 'mcp_ledger__book_entry'],
    ['Finch channels', 'acme_finch_chat__list_channels'],
    // by parameter
    ['travel_mode', 'acme_otter_maps__route'],
    ['user agent', 'webscraper__webscraper'],
    ['iban', 'mcp_ledger__book_entry'],
    ['出发车站', 'acme_baike__train_query'],
    // by the beginning of a word, and in the plural
    ['geoc', 'acme_otter_maps__geocode'],
    ['drafts', 'acme_heron_mail__create_draft'],
    // misspelt
    ['wether forcast', 'acme_cloudgauge__weather_forecast'],
    ['sned emial', 'acme_heron_mail__send_message'],
    ['geokode', 'acme_otter_maps__geocode'],
    ['quartely reprot', 'workflow__quarterly_report'],
    // Chinese, also where the dictionary knows no such word
    ['航班', 'acme_baike__flight_query'],
    ['查航班票价', 'acme_baike__flight_query'],
    ['我想查询高铁余票', 'acme_baike__train_query'],
    ['天气', 'acme_baike__tianqi'],
    ['识别发票', 'acme_baike__invoice_ocr'],
    // Japanese
    ['翻訳', 'acme_sakura__honyaku'],
    ['会議室を予約したい', 'acme_sakura__yoyaku'],
    ['電車の時刻を調べる', 'acme_sakura__densha'],
    // Korean, German, Thai
    ['현재 날씨', 'acme_nalssi__nalssi'],
    ['날씨가 어때', 'acme_nalssi__nalssi'],
    ['Mullabfuhr', 'acme_amt__muell'],
    ['CAFÉ', 'acme_amt__cafe'],
    ['สภาพอากาศ', 'acme_agat__agat'],
  ])('%s → %s', (query, name) => {
    expect(index.find(query)[0]).toBe(name);
  });

  it('knows a tool and its provider by the labels of every language', async () => {
    const [mail] = PROVIDERS;
    const declared = mail?.tools.map((tool) =>
      tool.name === 'create_draft' ? { ...tool, label: { ...tool.label, zh_Hans: '撰写草稿' } } : tool,
    );
    const labelled = {
      ...(mail as ToolProvider),
      label: { en_US: 'Heron Mail', pt_BR: 'Correio Garça' },
      tools: declared ?? [],
    };
    const registry = registryOf([labelled, ...PROVIDERS.slice(1)]);
    const multilingual = await indexOf(registry);
    expect(multilingual.find('撰写草稿')[0]).toBe('acme_heron_mail__create_draft');
    expect(multilingual.find('correio garça')).toHaveLength(labelled.tools.length);
    expect(filterTools(registry.tools, { provider: 'correio garça' })).toHaveLength(labelled.tools.length);
    expect(registry.get('acme_heron_mail__create_draft')?.title).toBe('Create a draft');
  });

  it('puts all of a kind before what only touches on it', () => {
    const mail = index.find('email').slice(0, 4);
    expect(mail.every((name) => name.startsWith('acme_heron_mail__'))).toBe(true);
  });

  it('does not let a number hide the thing that is asked for', async () => {
    const things = ['contact', 'message', 'report', 'event', 'invoice'];
    // Every tool of the provider suite_11 has the number in its name.
    const suites = Array.from({ length: 50 }, (_, suite) => {
      const names = things.flatMap((thing) =>
        [1, 2, 3, 4].map((part) => `find_${thing}_${suite * 100 + part}`),
      );
      return provider(
        `acme/suite_${suite}/suite_${suite}`,
        names.slice(0, suite === 11 ? 16 : 20).map((name) => tool(name)),
      );
    });
    const numbered = await indexOf(registryOf(suites));
    expect(numbered.find('find invoice 11').slice(0, 10).join()).toContain('_invoice_');
  });

  it('leaves out what hardly fits', () => {
    expect(index.find('weather forecast')).not.toContain('acme_otter_maps__geocode');
    expect(index.find('weather forecast')).toContain('acme_cloudgauge__current_weather');
    // Words that say nothing are no slips of others: "that" is not "chat".
    expect(index.find('would that')).toEqual([]);
  });

  it.each(['xylophone', '!!!', '', 'zzzzzzzzzz qqqqqqqq'])('finds nothing for %j', (query) => {
    expect(index.find(query)).toEqual([]);
  });
});

describe('the official declarations', async () => {
  const official = officialTools();
  const registry = registryOf(officialProviders(official), { formParameters: 'publish' });
  const index = await indexOf(registry);

  it.skipIf(official.length === 0).each([
    ['send an email', 'email__send_mail'],
    ['translate text', 'deepl__translate_text'],
    ['create github issue comment', 'github__github_issue_comment'],
    ['tranlsate', 'google_translate__translate'],
    ['notion database query', 'notion__query_database'],
    ['generate a pdf from a template', 'apitemplate__create_pdf'],
    ['teams channel message', 'teams__send_channel_message'],
    ['web scrapping bing serch', 'bing__bing_web_search'],
  ])(`%s → %s${sharedNote}`, (query, name) => {
    expect(index.find(query).slice(0, 3)).toContain(name);
  });

  it.skipIf(official.length === 0)(`finds every tool by its name and by its title${sharedNote}`, () => {
    const missed = registry.tools.filter(({ name }) => !index.find(name).slice(0, 5).includes(name));
    expect(missed.map(({ name }) => name)).toEqual([]);
    const untitled = registry.tools.filter(({ name, title }) => !index.find(title).includes(name));
    expect(untitled.map(({ name }) => name)).toEqual([]);
  });
});

describe('following the registry', () => {
  const first = catalogue();
  const changed = (name: string, more: Partial<PublishedTool>): Registry =>
    registryFrom(first.tools.map((tool) => (tool.name === name ? { ...tool, ...more } : tool)));

  it('finds a tool that was added and forgets one that was removed', async () => {
    const index = await indexOf(catalogue(PROVIDERS.slice(1)));
    expect(index.find('recipients')).toEqual([]);
    await index.follow(first);
    expect(index.find('recipients')).toEqual(['acme_heron_mail__send_message']);
    await index.follow(catalogue(PROVIDERS.slice(1)));
    expect(index.find('recipients')).toEqual([]);
  });

  it('finds a changed tool by its new words alone', async () => {
    const index = await indexOf(first);
    await index.follow(
      changed('webscraper__webscraper', { title: 'Page reader', description: 'Takes an octopus.' }),
    );
    expect(index.find('octopus')).toEqual(['webscraper__webscraper']);
    const parameters = {
      type: 'object',
      properties: { a: { type: 'array', items: { properties: { nest: {} } } } },
    };
    await index.follow(changed('webscraper__webscraper', { inputSchema: parameters }));
    expect(index.find('octopus')).toEqual([]);
    expect(index.find('nest')).toEqual(['webscraper__webscraper']);
  });

  it('reads 20,000 characters of each text of a tool, however many parameters and labels it has', async () => {
    const segment = vi.spyOn(Intl.Segmenter.prototype, 'segment');
    const properties = Object.fromEntries(
      Array.from({ length: 2000 }, (_, count) => [`p${count}`, { description: '查询航班信息'.repeat(50) }]),
    );
    const many = changed('webscraper__webscraper', {
      inputSchema: {
        type: 'object',
        properties: { list: { type: 'array', items: { properties } }, ...properties },
      },
      title: 'Very long',
      otherTexts: {
        title: Array.from({ length: 2000 }, () => '天气预报'.repeat(30)),
        provider: ['octopus'],
        description: [],
      },
    });
    const index = await indexOf(many);
    const segmented = segment.mock.calls.reduce((sum, [text]) => sum + text.length, 0);
    segment.mockRestore();
    expect(segmented).toBeGreaterThan(20_000);
    expect(segmented).toBeLessThan(42_000);
    expect(index.find('octopus')).toEqual(['webscraper__webscraper']);
    expect(index.find('信息')).toContain('webscraper__webscraper');
  });

  it('ends with the last registry, regardless of requests in between', async () => {
    const index = createSearchIndex();
    const registries = [first, catalogue([]), catalogue(PROVIDERS.slice(3)), catalogue([]), first];
    await Promise.all(registries.map((registry) => index.follow(registry)));
    expect(index.find('recipients')).toEqual(['acme_heron_mail__send_message']);
    expect(index.find('weather forecast')[0]).toBe('acme_cloudgauge__weather_forecast');
  });

  it('ranks the same after many changes as after a rebuild', async () => {
    const index = createSearchIndex();
    for (let round = 0; round < 30; round += 1) await index.follow(catalogue(PROVIDERS.slice(round % 7)));
    await index.follow(first);
    const fresh = await indexOf(first);
    for (const query of ['message', 'weather', '查询', 'issue'])
      expect(index.find(query)).toEqual(fresh.find(query));
  });
});

describe('words in the prose of every tool', () => {
  const named = (name: string, description: string): DifyTool => ({
    name,
    label: { en_US: name },
    description: { en_US: description },
    parameters: [],
  });
  const step = (number: number): DifyTool => {
    const rest = number % 3 === 0 ? ' with an invoice' : '';
    return named(`step_${number}`, `Runs step ${number} of a Quagga customer${rest}.`);
  };
  const workspace = (count: number, more: readonly DifyTool[] = []) => {
    const steps = Array.from({ length: count }, (_, number) => step(number));
    return registryOf([provider('acme/service/service', [...steps, ...more])]);
  };
  const namesOf = ({ tools }: Registry): string[] => tools.map(({ name }) => name);

  it.each(['quagga customers', 'for a quagga', 'quag', 'quaga', 'what does quagga do'])(
    'find all of them: %s',
    async (query) => {
      const registry = workspace(300);
      const index = await indexOf(registry);
      expect(index.find(query)).toEqual(namesOf(registry));
    },
  );

  it('count as found in each, in addition to the others of a query', async () => {
    const index = await indexOf(workspace(300));
    expect(index.find('quagga invoice')).toHaveLength(100);
    const found = index.find('quagga customer invoice 7 zzzz');
    expect(found[0]).toBe('acme_service__step_7');
    expect(found).toHaveLength(101);
  });

  it('still tell in a name', async () => {
    const index = await indexOf(
      workspace(300, [
        named('list_quaggas', 'Lists each Quagga of a customer.'),
        named('list_others', 'Quagga, customer.'),
      ]),
    );
    expect(index.find('list quaggas').slice(0, 2)).toEqual([
      'acme_service__list_quaggas',
      'acme_service__list_others',
    ]);
    expect(index.find('quagga')).toHaveLength(302);
    expect(index.find('quagga')[0]).toBe('acme_service__list_quaggas');
  });

  it('find no tool that lacks them', async () => {
    const index = await indexOf(workspace(300, [named('other', 'Something else.')]));
    expect(index.find('quagga')).toHaveLength(300);
    expect(index.find('quagga')).not.toContain('acme_service__other');
  });

  it.each([3, 150, 199, 200, 300, 700])(
    'are looked for again with a tool that lacks them, of %d',
    async (count) => {
      const index = createSearchIndex();
      await index.follow(workspace(300));
      const registry = workspace(count, [named('other', 'Something else.')]);
      await index.follow(registry);
      await index.follow(workspace(300, [named('other', 'Something else.')]));
      await index.follow(registry);
      expect(index.find('quagga').toSorted()).toEqual(namesOf(workspace(count)).toSorted());
      expect(index.find('something')).toEqual(['acme_service__other']);
    },
  );

  it('may be looked for again while the index tidies itself up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      const index = createSearchIndex();
      await index.follow(workspace(1000));
      const renamed = Array.from({ length: 1000 }, (_, number) =>
        named(`step_${number}`, `Quagga customer ${number}.`),
      );
      await index.follow(registryOf([provider('acme/service/service', renamed)]));
      await vi.advanceTimersByTimeAsync(15);
      await index.follow(workspace(300));
      await vi.runAllTimersAsync();
      expect(index.find('quagga invoice')).toHaveLength(100);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('5,000 tools', () => {
  it('are read in without holding up other work', async () => {
    const registry = registryOf(largeCatalogue(5000));
    expect(registry.tools).toHaveLength(5000);
    const index = createSearchIndex();
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      pending = setImmediate(turn);
    };
    let pending = setImmediate(turn);
    await index.follow(registry);
    clearImmediate(pending);
    expect(turns).toBeGreaterThan(20);
  });
});
