import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app/app.ts';
import { CAUSES, type Cause, type Scene, setScene } from '../../support/doctor-causes.ts';
import { cli } from '../../support/fake-cli.ts';

const DOCUMENT = resolve(fileURLToPath(import.meta.url), '../../../../docs/troubleshooting.md');

interface Check {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly details?: readonly string[];
  readonly fix?: string;
}

const rows = new Map<string, string>();

/** The text without what is another one in each run. */
function lasting(text: string, { sandbox, folder }: Scene): string {
  return (
    text
      .replaceAll(sandbox.credentials.workspaceId, '5a4db0c5-…')
      .replaceAll('99999999-0000-4000-8000-000000000000', '99999999-…')
      .replaceAll('22222222-0000-4000-8000-000000000000', '22222222-…')
      .replaceAll(`${folder}/`, '')
      .replaceAll(/redis:\/\/127\.0\.0\.1:\d+/g, 'redis://redis:6379')
      .replaceAll(/http:\/\/localhost:\d+/g, 'https://login.example.com')
      .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:5001')
      .replaceAll(/\b(59|60)\d s\b/g, '600 s')
      // What a machine without DNS says.
      .replace('DNS did not answer for the host name', 'the host name does not exist in DNS')
  );
}

function cell(text: string): string {
  return text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;');
}

function row({ problem }: Cause, check: Check, scene: Scene): string {
  const { name, message, details = [], fix = 'as it says' } = check;
  // Of a configuration, the first thing that is wrong; elsewhere the message says it.
  const said =
    name === 'configuration' || name === 'catalogue' ? [message, ...details.slice(0, 1)] : [message];
  return `| ${problem} | ${name}: ${cell(lasting(said.join(' '), scene))} | ${cell(lasting(fix, scene))} |`;
}

describe('doctor', () => {
  it.each(CAUSES.map((cause) => [cause.problem, cause] as const))(
    'says what to do when %s',
    async (_name, cause) => {
      await using scene = await setScene();
      const changes = await cause.make(scene);
      const env = { HOME: scene.folder, DIFY_BRIDGE_PORT: '0', ...scene.env, ...changes };
      const run = await cli(['doctor', '-o', 'json'], { env, io: { createApp } });
      const { checks } = run.json() as { checks: readonly Check[] };
      const found = checks.find(({ name }) => name === cause.check);
      expect(found).toMatchObject({ status: cause.status });
      expect(run.code).toBe(cause.exit);
      expect(found?.fix ?? found?.details?.join()).toMatch(/\S/);
      expect(found?.message.split('\n')).toHaveLength(1);
      // Nothing before it is in the way of finding it: whatever else shows follows from it.
      const before = checks.slice(
        0,
        checks.findIndex(({ name }) => name === cause.check),
      );
      expect(before.filter(({ status }) => status === 'fail')).toEqual([]);
      expect(run.stdout).not.toContain('fake-wrong');
      if (found !== undefined) rows.set(cause.problem, row(cause, found, scene));
    },
  );

  // `npm run docs` writes the table; this compares it.
  it('has them all in its documentation', async () => {
    expect(rows.size).toBe(CAUSES.length);
    const table = ['| problem | what doctor says | how to fix it |', '|---|---|---|', ...rows.values()].join(
      '\n',
    );
    const text = readFileSync(DOCUMENT, 'utf8');
    const pattern = /(<!-- problems: [^>]*-->\n)[^]*(<!-- \/problems -->)/;
    expect(text).toMatch(pattern);
    const written = text.replace(
      pattern,
      (_all, begin: string, end: string) => `${begin}\n${table}\n\n${end}`,
    );
    await expect(written).toMatchFileSnapshot(DOCUMENT);
  });
});
