import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createSearchIndex } from '../../../src/search/search-index.ts';
import { officialProviders, registryOf } from '../../support/declarations.ts';
import { type OfficialTool, officialTools, sharedNote } from '../../support/shared.ts';

/** A request as a person or a model makes it, with the tools (`provider/tool`) that answer it in each catalogue. */
interface Request {
  readonly language: string;
  readonly request: string;
  readonly own?: readonly string[];
  readonly official?: readonly string[];
}

const requests = fixture<Request>('requests');
const LANGUAGES = ['en', 'zh', 'de', 'ja'];

const official = officialTools();

describe.each([
  { catalogue: 'own' as const, tools: fixture<OfficialTool>('tools'), note: '' },
  { catalogue: 'official' as const, tools: official, note: sharedNote },
])('natural requests to the $catalogue declarations$note', ({ catalogue, tools }) => {
  const asked = requests.filter((request) => request[catalogue] !== undefined);

  it.skipIf(tools.length === 0)('are many, in four languages, with tools that exist', () => {
    expect(requests.length).toBeGreaterThanOrEqual(80);
    expect([...new Set(asked.map(({ language }) => language))]).toEqual(LANGUAGES);
    const known = new Set(tools.map(({ provider, name }) => `${provider}/${name}`));
    expect(asked.flatMap((request) => request[catalogue] ?? []).filter((name) => !known.has(name))).toEqual(
      [],
    );
  });

  it.skipIf(tools.length === 0)('find a right tool among the first three, nine times in ten', async () => {
    const ranks = await ranksOf(tools, asked, catalogue);
    const missed = ranks.filter(({ rank }) => rank > 3);
    const list = missed.map(({ request, rank }) => `${request.request}: ${rank}`).join('\n');
    expect(missed.length / ranks.length, list).toBeLessThanOrEqual(0.1);
    for (const language of LANGUAGES) {
      const own = ranks.filter(({ request }) => request.language === language);
      expect(own.filter(({ rank }) => rank <= 3).length / own.length, language).toBeGreaterThanOrEqual(0.8);
    }
  });
});

/** The rank of the best right tool for each request; Infinity if none is found. */
async function ranksOf(
  tools: readonly OfficialTool[],
  asked: readonly Request[],
  catalogue: 'own' | 'official',
) {
  const registry = registryOf(officialProviders(tools), { formParameters: 'publish' });
  const index = createSearchIndex();
  await index.follow(registry);
  return asked.map((request) => {
    const found = index.find(request.request).map((name) => {
      const { providerId = '', tool = '' } = registry.get(name)?.ref ?? {};
      return `${providerId.split('/').at(-1)}/${tool}`;
    });
    const at = found.findIndex((name) => request[catalogue]?.includes(name));
    return { request, rank: at === -1 ? Infinity : at + 1 };
  });
}

function fixture<T>(name: string): T[] {
  const text = readFileSync(new URL(`../../fixtures/search/${name}.jsonl`, import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
