import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { viewsOf } from '../../../src/config/views.ts';
import type { Registry } from '../../../src/model/registry.ts';
import { buildRegistry } from '../../../src/registry/build.ts';
import { explainTool } from '../../../src/registry/explain.ts';
import { english, options, parameter, propertyOf, provider, tool } from '../../support/declarations.ts';

const DOCUMENT = resolve(fileURLToPath(import.meta.url), '../../../../docs/views.md');
const document = readFileSync(DOCUMENT, 'utf8');

const blocks = (language: string): string[] =>
  [...document.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(
    ([, text = '']) => text,
  );

const HOME = mkdtempSync(join(tmpdir(), 'bridge-home-'));

/** The workspace that the examples are about. */
const WORKSPACE = [
  provider(
    'acme/web/web',
    [
      tool('search', [
        parameter('query', { required: true }),
        parameter('count', { type: 'number', min: 1, max: 50 }),
        parameter('safe', { type: 'boolean' }),
        parameter('region'),
        parameter('engine', {
          type: 'select',
          form: 'form',
          required: true,
          options: options('general', 'news', 'images'),
        }),
      ]),
      tool('read'),
    ],
    { tags: ['search'] },
  ),
  provider('acme/mail/mail', [tool('delete')]),
  provider('zendesk', [tool('reply')]),
  provider('1f2e', [tool('triage', [], { label: english('Support triage') })], { type: 'workflow' }),
  provider('other-workspace', [tool('acme_mail__delete')], { type: 'mcp' }),
];
const CREDENTIALS = new Map([['acme/web/web', [{ id: 'id-team', name: 'Team account' }]]]);

async function views(yaml: string): Promise<ReadonlyMap<string, Registry>> {
  const file = join(mkdtempSync(join(tmpdir(), 'bridge-document-')), 'bridge.yaml');
  writeFileSync(file, yaml);
  const { config } = await loadConfig({ needsDify: false, file, env: { HOME } });
  return new Map(
    [...viewsOf(config)].map(([name, rules]) => [
      name,
      buildRegistry(WORKSPACE, rules, { credentials: CREDENTIALS }),
    ]),
  );
}

const names = (registry: Registry | undefined): string[] | undefined =>
  registry?.tools.map(({ name }) => name);

describe('docs/views.md', () => {
  const [introduction = '', presets = '', aliases = '', endpoint = '', ...others] = blocks('yaml');

  test('has no example that is not tried here', () => {
    expect(endpoint).not.toBe('');
    expect(others).toEqual([]);
  });

  test('its views publish what the text says', async () => {
    const found = await views(introduction);
    expect(names(found.get('default'))).not.toContain('acme_mail__delete');
    expect(names(found.get('support'))).toEqual(['workflow__triage', 'zendesk__reply']);
    // The search needs a value that nobody gives it; reading does not.
    expect(names(found.get('research'))).toEqual(['acme_web__read']);
  });

  test('its presets do what the table says, and all of them fit', async () => {
    const registry = (await views(presets)).get('default');
    expect(registry?.notes.filter(({ setting }) => setting !== undefined)).toEqual([]);
    const search = registry?.get('acme_web__search');
    expect(search).toMatchObject({
      title: 'Web search',
      description: "Searches the web. Prefer the company's own documents where they will do.",
      credentialId: 'id-team',
      annotations: { readOnlyHint: true, idempotentHint: true },
      inputSchema: { required: ['query', 'engine'] },
    });
    if (search === undefined) return;
    expect(propertyOf(search, 'engine')).toMatchObject({ enum: ['general', 'news'] });
    expect(propertyOf(search, 'count')).toMatchObject({
      minimum: 1,
      maximum: 10,
      description: 'How many results.',
    });
    expect(search.parseArguments({ query: 'x', engine: 'news' })).toEqual({
      ok: true,
      parameters: { query: 'x', engine: 'news', safe: true, region: 'eu' },
    });
  });

  test('its alias can be called', async () => {
    // Without a preset the search would be incomplete, and the alias would lead nowhere.
    const yaml = `${presets}${aliases.replace('tools:\n', '')}`;
    const registry = (await views(yaml)).get('default');
    expect(registry?.get('web_search')?.name).toBe('acme_web__search');
  });

  test('its rule lets a server pass that looks like the bridge', async () => {
    expect(names((await views('')).get('default'))).not.toContain('mcp_other-workspace__acme_mail__delete');
    const registry = (await views(endpoint)).get('default');
    expect(names(registry)).toContain('mcp_other-workspace__acme_mail__delete');
  });

  test('its explanation is the one that is printed', async () => {
    const registry = (await views(introduction)).get('default');
    const explained = registry === undefined ? [] : explainTool(registry, 'acme_mail__delete');
    expect(blocks('text')).toEqual([`${explained.join('\n')}\n`]);
  });

  test('names every key of a preset and every fact of a rule', async () => {
    const { configFileSchema } = await import('../../../src/config/schema.ts');
    const text = JSON.stringify(configFileSchema());
    for (const [, key = ''] of document.matchAll(/^\| `([a-zA-Z]+)`/gm)) expect(text).toContain(`"${key}"`);
  });
});
