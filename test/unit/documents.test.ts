import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { settingsTable } from '../../src/config/settings.ts';
import { workspaceVariables } from '../../src/config/workspace-variables.ts';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
];
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Without blocks of code, in which there are neither links nor headings. */
const prose = (text: string): string => text.replace(/^ *(`{3,})[^]*?^ *\1$/gm, '');

/** The anchors of a page's headings, as the sites that show Markdown make them. */
function anchorsOf(text: string): readonly string[] {
  return [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Links of a page that lead nowhere. */
function brokenLinks(page: string, text: string): readonly string[] {
  const links = [...prose(text).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = join(dirname(page), path);
    if (path !== '' && !existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && !anchorsOf(path === '' ? text : read(target)).includes(anchor);
  });
}

/** Names of files and of attributes of spans that could be settings. */
const LIKE_SETTINGS = new Set(['config.yaml', 'dify.plane']);

describe('the documents', () => {
  it('are all there', () => {
    expect(PAGES).toEqual(
      expect.arrayContaining([
        'README.md',
        'CHANGELOG.md',
        'CONTRIBUTING.md',
        'SECURITY.md',
        'docs/architecture.md',
        'docs/dify-versions.md',
        'docs/installation.md',
        'docs/security.md',
      ]),
    );
  });

  it.each(PAGES)('%s links only to places that are there', (page) => {
    expect(brokenLinks(page, read(page))).toEqual([]);
  });

  it('would notice a link to a missing page or heading', () => {
    const text = '# A b\n[1](#a-b) [2](#c) [3](none.md) [4](README.md#safety) [5](README.md#none)\n';
    expect(brokenLinks('x.md', text)).toEqual(['#c', 'none.md', 'README.md#none']);
  });

  it.each(PAGES)('%s names only settings and variables that exist', (page) => {
    // The workspace of the examples.
    const table = [...settingsTable(), ...workspaceVariables('sales', settingsTable())];
    const variables = new Set(
      table
        .flatMap(({ env }) => (env === undefined ? [] : [env, `${env}_FILE`]))
        .concat('DIFY_BRIDGE_CONFIG'),
    );
    const text = read(page);
    const named = [...text.matchAll(/(?<![A-Z_])DIFY_[A-Z_]*[A-Z]/g)].map(([name]) => name);
    expect(named.filter((name) => !variables.has(name))).toEqual([]);
    const groups = new Set(table.map(({ path }) => path.split('.')[0]));
    const known = new Set(table.map(({ path }) => path));
    const unknown = [...prose(text).matchAll(/`([a-z]+)\.([a-z]\w*)`/g)].filter(
      ([, group = '', name = '']) =>
        // A group that is gone shows by the spelling of its settings.
        (groups.has(group) || /[A-Z]/.test(name)) &&
        !known.has(`${group}.${name}`) &&
        !LIKE_SETTINGS.has(`${group}.${name}`),
    );
    expect(unknown.map(([name]) => name)).toEqual([]);
  });

  it('docs/dify-versions.md lists the releases that are tested', () => {
    const tested = [
      ...read('test/integration/bridge/versions.test.ts').matchAll(/\{ version: '([\d.]+)'/g),
    ].map(([, version]) => version);
    const listed = /<!-- releases -->(.*)<!-- \/releases -->/.exec(read('docs/dify-versions.md'))?.[1];
    expect(tested.length).toBeGreaterThan(5);
    expect(listed).toBe(tested.join(', '));
  });
});
