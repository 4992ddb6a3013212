import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
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

/** A table for each group of settings, under its name. */
function settingsText(): string {
  const settings = settingsTable();
  const groups = [...new Set(settings.map(({ path }) => path.split('.')[0] ?? ''))];
  return groups
    .map((group) => {
      const rows = settings
        .filter(({ path }) => path.split('.')[0] === group)
        .map(({ path, env, default: value, description }) => [
          `\`${path}\``,
          cell(env),
          cell(value),
          description,
        ]);
      return `## \`${group}\`\n\n${table(['setting', 'variable', 'default', 'what it does'], rows)}`;
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
