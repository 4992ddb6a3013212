import type { PublishedTool, Registry } from '../../src/model/registry.ts';
import type { DifyTool, ToolProvider } from '../../src/model/tool.ts';
import { english, parameter, provider, registryOf } from './declarations.ts';

/** A tool by name, title, description and parameters: `to!` is required, `to=whom` has a description. */
function tool(
  name: string,
  title: string,
  description: string,
  parameters: readonly string[] = [],
): DifyTool {
  return {
    name,
    label: english(title),
    description: english(description),
    parameters: parameters.map((text) => {
      const [head = '', about = ''] = text.split('=');
      return parameter(head.replace('!', ''), { required: head.endsWith('!'), llmDescription: about });
    }),
  };
}

/** A workspace as one may find it: several languages, similar tools of several providers, all four types. */
export const PROVIDERS: readonly ToolProvider[] = [
  provider(
    'acme/heron_mail/heron_mail',
    [
      tool(
        'send_message',
        'Send an email',
        'Sends an email to one or more recipients. Attachments are not possible.',
        ['to!=Addresses, separated by commas.', 'subject!', 'body=Plain text.'],
      ),
      tool('list_messages', 'List emails', 'Lists the latest emails of a mailbox.', [
        'folder',
        'max_results',
      ]),
      tool('create_draft', 'Create a draft', 'Stores an email without sending it.', ['to!', 'subject']),
      tool('delete_message', 'Delete an email', 'Deletes one email for good.', ['message_id!']),
    ],
    { label: english('Heron Mail') },
  ),
  provider(
    'acme/finch_chat/finch_chat',
    [
      tool('post_message', 'Post a message', 'Posts a message to a channel.', ['channel!', 'text!']),
      tool('list_channels', 'List channels', 'Lists the channels that the bot is in.'),
      tool('add_reaction', 'Add a reaction', 'Reacts to a message with an emoji.', ['message_ts!', 'emoji!']),
    ],
    { label: english('Finch Chat'), authorized: false },
  ),
  provider(
    'acme/otter_maps/otter_maps',
    [
      tool('route', 'Find a route', 'Directions between two places by car, bicycle or on foot.', [
        'origin!',
        'destination!',
        'travel_mode',
      ]),
      tool('geocode', 'Geocode', 'Coordinates of an address.', ['address!']),
    ],
    { label: english('Otter Maps') },
  ),
  provider(
    'acme/cloudgauge/cloudgauge',
    [
      tool('current_weather', 'Current weather', 'Temperature, wind and rain at a place now.', ['city!']),
      tool('weather_forecast', 'Weather forecast', 'Weather of the next ten days.', ['city!', 'days']),
    ],
    { label: english('Cloudgauge') },
  ),
  provider(
    'acme/badger_code/badger_code',
    [
      tool('createIssue', 'Create an issue', 'Opens an issue in a code repository.', [
        'repository!',
        'title!',
      ]),
      tool('searchIssues', 'Search issues', 'Issues of a repository that contain given words.', ['query!']),
      tool('mergePullRequest', 'Merge a pull request', 'Merges a pull request into its base branch.', [
        'number!',
      ]),
    ],
    { label: english('BadgerCode') },
  ),
  provider(
    'webscraper',
    [tool('webscraper', 'Web scraper', 'Reads the text of a web page.', ['url!', 'user_agent'])],
    { label: english('Web scraper') },
  ),
  provider(
    'acme/lynx_search/lynx_search',
    [tool('web_search', 'Search the web', 'Results of a web search engine.', ['query!', 'safe_search'])],
    { label: english('Lynx Search') },
  ),
  provider(
    'acme/baike/baike',
    [
      tool('flight_query', '航班查询', '查询国内航班的起飞时间、到达时间和票价。', [
        'from_city!=出发城市',
        'to_city!=到达城市',
      ]),
      tool('train_query', '火车票查询', '查询高铁和火车的车次与余票。', ['from_station!=出发车站']),
      tool('tianqi', '天气预报', '查询中国城市未来七天的天气。', ['city!=城市名称']),
      tool('invoice_ocr', '发票识别', '识别增值税发票图片中的金额和税号。', ['image_url!']),
    ],
    { label: english('百科工具箱') },
  ),
  provider(
    'acme/sakura/sakura',
    [
      tool('yoyaku', '会議室の予約', '空いている会議室を探して予約します。', ['date!=日付', 'room']),
      tool('honyaku', '翻訳', '日本語の文章をほかの言語に翻訳します。', ['text!=翻訳する文章', 'target!']),
      tool('densha', '電車の時刻表', '駅の電車の時刻表を検索します。', ['station!=駅名']),
    ],
    { label: english('さくら便利ツール') },
  ),
  provider(
    'acme/amt/amt',
    [
      tool('muell', 'Müllabfuhr', 'Termine der Müllabfuhr für eine Straße.', [
        'strasse!=Straße und Hausnummer',
      ]),
      tool('cafe', 'Cafés finden', 'Findet Cafés in der Nähe.', ['ort!']),
    ],
    { label: english('Bürgeramt') },
  ),
  provider(
    'acme/nalssi/nalssi',
    [tool('nalssi', '날씨 조회', '도시의 현재 날씨를 알려줍니다.', ['dosi!=도시 이름'])],
    {
      label: english('날씨'),
    },
  ),
  provider('acme/agat/agat', [tool('agat', 'พยากรณ์อากาศ', 'ค้นหาข้อมูลสภาพอากาศของจังหวัด', ['changwat!'])], {
    label: english('อากาศ'),
  }),
  provider(
    '0a2b6f1e-1111-4222-8333-444455556666',
    [
      tool('quarterly_report', 'Quarterly report', 'Writes the report of a quarter from the ledger.', [
        'quarter!',
      ]),
    ],
    { type: 'workflow', name: 'Quarterly report', label: english('Quarterly report') },
  ),
  provider(
    '9c0de1aa-1111-4222-8333-444455556666',
    [
      tool('getPetById', 'getPetById', 'Finds a pet by its id.', ['petId!']),
      tool('addPet', 'addPet', 'Adds a pet to the store.', ['name!', 'photoUrls']),
    ],
    { type: 'api', name: 'pets', label: english('Pet store') },
  ),
  provider(
    'ledger',
    [tool('book_entry', 'Book an entry', 'Books an amount on an account.', ['amount!', 'iban'])],
    {
      type: 'mcp',
      name: 'Ledger',
      label: english('Ledger'),
    },
  ),
];

export function catalogue(providers: readonly ToolProvider[] = PROVIDERS): Registry {
  return registryOf(providers);
}

/** The registry with some tools declared as only reading. */
export function withReaders(registry: Registry, names: readonly string[]): Registry {
  return registryFrom(
    registry.tools.map((item) =>
      names.includes(item.name)
        ? { ...item, annotations: { ...item.annotations, readOnlyHint: true } }
        : item,
    ),
  );
}

/** The registry of these tools and nothing else. */
export function registryFrom(tools: readonly PublishedTool[]): Registry {
  const sorted = tools.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    tools: sorted,
    withheld: [],
    notes: [],
    explanations: new Map(),
    fingerprint: JSON.stringify(sorted),
    get: (name) => sorted.find((item) => item.name === name),
  };
}
