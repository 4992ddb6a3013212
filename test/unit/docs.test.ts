import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { type Use, USES } from '../../src/config/setting.ts';
import { settingsTable } from '../../src/config/settings.ts';
import { ERROR_RULES } from '../../src/model/errors.ts';

const DOCS = resolve(fileURLToPath(import.meta.url), '../../../docs');

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

/** A table for each use of settings, under its title. */
function settingsText(): string {
  const settings = settingsTable();
  return (Object.keys(USES) as Use[])
    .map((wanted) => {
      const rows = settings
        .filter(({ use }) => use === wanted)
        .map(({ path, env, default: value, description }) => [
          `\`${path}\``,
          cell(env),
          cell(value),
          description,
        ]);
      return `## ${USES[wanted]}\n\n${table(['setting', 'variable', 'default', 'what it does'], rows)}`;
    })
    .join('\n\n');
}

function errorsText(): string {
  const rows = Object.entries(ERROR_RULES).map(([code, { exit, meaning }]) => [
    `\`${code}\``,
    String(exit),
    meaning,
  ]);
  return table(['code', 'exit code', 'meaning'], rows);
}

// `npm run docs` writes the tables; this compares them.
it.each([
  ['configuration.md', 'settings', settingsText()],
  ['errors.md', 'errors', errorsText()],
])('docs/%s has the %s that the code has', async (page, name, content) => {
  const path = resolve(DOCS, page);
  const text = readFileSync(path, 'utf8');
  const pattern = new RegExp(`(<!-- ${name}: [^>]*-->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
  expect(text).toMatch(pattern);
  const generated = text.replace(pattern, (_all, begin: string, end: string) => {
    return `${begin}\n${content}\n\n${end}`;
  });
  await expect(generated).toMatchFileSnapshot(path);
});

it('README.md names the settings for every day, and no others', () => {
  const text = readFileSync(resolve(DOCS, '../README.md'), 'utf8');
  const isNamed = (name = ''): boolean => new RegExp(`\`${name.replaceAll('.', '\\.')}\\b(?!_)`).test(text);
  const named = settingsTable().filter(({ path, env }) => isNamed(path) || isNamed(env ?? path));
  const everyday = settingsTable().filter(({ use }) => use === 'everyday');
  expect(named.map(({ path }) => path)).toEqual(everyday.map(({ path }) => path));
});
