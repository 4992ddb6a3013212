import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');
const LIST = resolve(ROOT, 'scripts/interop/clients/list.mjs');
const { CLIENTS } = (await import(LIST)) as { CLIENTS: readonly { readonly name: string }[] };

/** A cell of a step: one word, or one for each transport. */
const STEP = /^(yes|no|–|stdio: (yes|no), HTTP: (yes|no))$/;
const REVISION = /^(\d{4}-\d\d-\d\d|–|stdio: \S+, HTTP: \S+)$/;
const STEPS = 'list,call,failing call,structured,picture,file,progress,cancel,restart'.split(',');

it('docs/clients.md has the matrix of all clients that `npm run interop -- --clients` uses', () => {
  const page = readFileSync(resolve(ROOT, 'docs/clients.md'), 'utf8');
  const [, matrix = ''] = /<!-- matrix -->\n([^]*)<!-- \/matrix -->/.exec(page) ?? [];
  const [head, , ...rows] = matrix
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.slice(2, -2).split(' | '));

  expect(head).toEqual(['client', 'version', 'revision', ...STEPS]);
  expect(rows.map(([name]) => name)).toEqual(CLIENTS.map(({ name }) => name));
  for (const [, version, revision, ...steps] of rows) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(revision).toMatch(REVISION);
    expect(steps).toEqual(STEPS.map(() => expect.stringMatching(STEP) as string));
  }
  expect(matrix).toMatch(/^Made on \d{4}-\d\d-\d\d with dify-mcp-bridge /m);
});
