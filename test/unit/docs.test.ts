import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { settingsTable } from '../../src/config/settings.ts';
import { ERROR_RULES } from '../../src/model/errors.ts';

const README = resolve(fileURLToPath(import.meta.url), '../../../README.md');

function cell(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '' ? '' : `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`.replace(/ {2,}/g, ' ');
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

const TABLES: Readonly<Record<string, string>> = {
  settings: table(
    ['setting', 'variable', 'default', 'what it does'],
    settingsTable().map(({ path, env, default: value, description }) => [
      `\`${path}\``,
      cell(env),
      cell(value),
      description,
    ]),
  ),
  errors: table(
    ['code', 'exit code', 'meaning'],
    Object.entries(ERROR_RULES).map(([code, { exit, meaning }]) => [`\`${code}\``, String(exit), meaning]),
  ),
};

/** The text with each generated part as it should be. */
function regenerate(text: string): string {
  return Object.entries(TABLES).reduce((result, [name, content]) => {
    const pattern = new RegExp(`(<!-- ${name}: [^>]*-->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
    if (!pattern.test(result)) throw new Error(`The README has no place for the table "${name}".`);
    return result.replace(pattern, (_all, begin: string, end: string) => `${begin}\n${content}\n\n${end}`);
  }, text);
}

describe('README', () => {
  const text = readFileSync(README, 'utf8');

  // `npm run docs` writes the tables; this compares them.
  it('has the tables that the code has', async () => {
    await expect(regenerate(text)).toMatchFileSnapshot(README);
  });

  it('links only to files that are there', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThan(0);
    for (const path of links)
      expect(() => readFileSync(resolve(README, '..', path)), path).not.toThrow(/ENOENT/);
  });

  it('names only settings and variables that exist', () => {
    const known = new Set(
      settingsTable().flatMap(({ env }) => (env === undefined ? [] : [env, `${env}_FILE`])),
    );
    known.add('DIFY_BRIDGE_CONFIG');
    const named = [...text.matchAll(/(?<![A-Z_])DIFY_[A-Z_]+/g)].map(([name]) => name);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});
