import type {
  DifyTool,
  LocalizedText,
  ProviderType,
  ToolParameter,
  ToolProvider,
} from '../../src/model/tool.ts';

const TOOLS_PER_PROVIDER = 25;

const VERBS = words(
  'add archive assign cancel close copy create delete download export fetch find import invite list merge move ' +
    'publish read rename render reply search send share start stop summarise sync tag translate update upload verify',
);
const THINGS = words(
  'account album article attachment balance board booking branch calendar campaign card channel comment contact ' +
    'contract customer dataset delivery device discount document draft email event expense feed file folder form ' +
    'image inventory invoice issue label lead license location meeting member message metric note order page ' +
    'passenger payment permission picture playlist policy product project prompt question queue receipt record ' +
    'refund release report reservation review route rule schedule seat segment server shipment slide snapshot song ' +
    'spreadsheet station subscription survey table task team template ticket timesheet transcript user video ' +
    'voucher warehouse webhook wiki',
);
const TOPICS = words(
  'accounting advertising analytics astronomy banking bookkeeping chemistry cooking customs education energy ' +
    'engineering farming finance fitness gardening genealogy geography hiring history hospitality insurance law ' +
    'logistics manufacturing medicine music navigation photography physics printing publishing railways recycling ' +
    'research retail sailing security shipping sports statistics taxation telephony tourism veterinary weather',
);
const SYLLABLES = words('ka lo mi ru ven tas pol nim bre sol dax fer quo zan hil mop tre gul');
const CHINESE = words(
  '查询 创建 发送 删除 翻译 下载 更新 搜索 订单 邮件 天气 航班 文档 图片 客户 发票 日程 数据 视频 报告',
);
const JAPANESE = words('検索 作成 送信 削除 翻訳 注文 メール 天気 予約 文書 画像 顧客 請求書 予定 動画 報告');

/**
 * A workspace of `count` tools with invented names, as varied as real ones: names, descriptions of some sentences
 * and up to six parameters, one tool in ten in Chinese or Japanese. The same count gives the same tools.
 */
export function largeCatalogue(count: number): ToolProvider[] {
  const random = generator(20_260);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const providers: ToolProvider[] = [];
  for (let left = count; left > 0; left -= TOOLS_PER_PROVIDER) {
    const name = `${pick(SYLLABLES)}${pick(SYLLABLES)}${pick(SYLLABLES)}${providers.length}`;
    const topic = pick(TOPICS);
    const tools = new Map<string, DifyTool>();
    while (tools.size < Math.min(left, TOOLS_PER_PROVIDER)) {
      const tool = describe(pick, random, name, topic);
      tools.set(tool.name, tool);
    }
    const type: ProviderType = providers.length % 20 === 0 ? 'api' : 'builtin';
    providers.push({
      type,
      id: type === 'api' ? uuid(providers.length) : `acme/${name}/${name}`,
      name,
      label: english(`${name[0]?.toUpperCase()}${name.slice(1)}`),
      description: {},
      authorized: true,
      tools: [...tools.values()],
    });
  }
  return providers;
}

type Pick = <T>(items: readonly T[]) => T;

function describe(pick: Pick, random: () => number, provider: string, topic: string): DifyTool {
  const [verb, thing, other] = [pick(VERBS), pick(THINGS), pick(THINGS)];
  const foreign = random() < 0.1 ? (random() < 0.6 ? CHINESE : JAPANESE) : undefined;
  const own = foreign && Array.from({ length: 12 }, () => pick(foreign)).join('');
  const name = `${verb}_${thing}${random() < 0.5 ? `_by_${other}` : ''}`;
  return {
    name,
    label: english(own?.slice(0, 8) ?? `${verb} ${thing}`),
    description: english(
      own ??
        `${verb} a ${thing} in ${provider}, for ${topic} and ${pick(TOPICS)}. Use it when the ${other} of a ${thing} ` +
          `has to be known. The ${pick(THINGS)} must exist, and the ${pick(THINGS)} is left as it is.`,
    ),
    parameters: Array.from({ length: 1 + Math.floor(random() * 6) }, (_, index) =>
      parameter(
        `${pick(THINGS)}_${pick(['id', 'name', 'count', 'date', 'filter'])}_${index}`,
        pick(THINGS),
        index === 0,
      ),
    ),
  };
}

function parameter(name: string, thing: string, required: boolean): ToolParameter {
  return {
    name,
    type: 'string',
    form: 'llm',
    required,
    label: english(name),
    humanDescription: {},
    llmDescription: `Which ${thing} is meant, as the list of every ${thing} gives it.`,
    options: [],
  };
}

function english(text: string): LocalizedText {
  return { en_US: text };
}

function uuid(index: number): string {
  return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

function words(text: string): string[] {
  return text.split(' ');
}

/** Numbers from 0 to below 1, the same ones for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
