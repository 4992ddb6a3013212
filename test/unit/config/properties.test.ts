import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Setting } from '../../../src/config/setting.ts';
import { settingsTable } from '../../../src/config/settings.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import * as fc from '../../support/fast-check.ts';

const folder = mkdtempSync(join(tmpdir(), 'bridge-config-any-'));
const file = join(folder, 'bridge.yaml');
const table = settingsTable();
const secrets = new Set(table.filter(({ secret }) => secret === true).map(({ path }) => path));

/** A value that no text of the bridge has by chance. */
const SECRET = 'fake\u0007secret-7c1f9b2e';

const json = fc.jsonValue({ maxDepth: 3 });
const anyValue = fc.oneof(
  json,
  fc.constantFrom('60s', '8MiB', 'true', '1', 'off', '*', 'https://dify.test', '${NOBODY}', '1e999', '-1'),
  fc.bigInt().map(String),
);

/** A value for a setting, in the file or as a variable. */
const entry = fc.record({ setting: fc.constantFrom(...table), value: anyValue, inFile: fc.boolean() });

function tree(entries: readonly { setting: Setting; value: unknown }[]): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const { setting, value } of entries) {
    const [group = '', key] = setting.path.split('.');
    const own = secrets.has(setting.path) ? SECRET : value;
    made[group] = key === undefined ? own : { ...(made[group] as object | undefined), [key]: own };
  }
  return made;
}

function variables(entries: readonly { setting: Setting; value: unknown }[]): Record<string, string> {
  return Object.fromEntries(
    entries
      .filter(({ setting }) => setting.env !== undefined)
      .map(({ setting, value }) => {
        const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
        return [setting.env ?? '', secrets.has(setting.path) ? SECRET : text];
      }),
  );
}

async function outcomeOf(content: string, env: Record<string, string>): Promise<unknown> {
  writeFileSync(file, content);
  return loadConfig({ needsDify: true, file, env: { HOME: folder, ...env } }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Returns what is wrong with an error: each problem must name where it is and what to do, and nothing of a secret. */
function unclear(error: unknown): unknown {
  if (error === undefined) return undefined;
  if (!(error instanceof BridgeError) || error.code !== 'config_invalid') return error;
  if (error.problems.length === 0 && error.hint === undefined) return 'no advice';
  if (error.toText().includes(SECRET)) return 'a secret';
  return error.problems.find(({ path, message }) => path === '' || message === '');
}

describe('a configuration of any shape', () => {
  it('is accepted, or refused by the names of what is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 12 }), async (entries) => {
        const inFile = entries.filter((each) => each.inFile);
        const others = entries.filter((each) => !each.inFile);
        const error = await outcomeOf(JSON.stringify(tree(inFile)), variables(others));
        expect(unclear(error)).toBeUndefined();
      }),
      { numRuns: fc.runs(300) },
    );
  });

  it('may be any text', async () => {
    const text = fc.oneof(
      fc.string({ unit: fc.character, maxLength: 300 }),
      json.map((value) => JSON.stringify(value)),
      fc
        .array(fc.constantFrom('dify:', 'views:', '  a: &x 1', '- *x', '{', '?', '|', '\t', '#', '!!js'), {
          maxLength: 12,
        })
        .map((lines) => lines.join('\n')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (content) => {
        expect(unclear(await outcomeOf(content, {}))).toBeUndefined();
      }),
      { numRuns: fc.runs(300) },
    );
  });
});
