import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { keyHash } from '../../../src/http/key-file.ts';
import { cli, ENV } from '../../support/fake-cli.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** The command line with a configuration file in a folder of its own. */
function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-cli-keys-'));
  folders.push(folder);
  const config = join(folder, 'config.yaml');
  writeFileSync(config, 'views: { support: {}, research: {} }');
  const file = join(folder, 'keys.json');
  const run = (...argv: readonly string[]) => cli([...argv, '--config', config], { env: { HOME: ENV.HOME } });
  return { folder, file, run };
}

describe('keys', () => {
  it('prints a new key once, alone, and stores its hash for the owner of the file only', async () => {
    const { file, folder, run } = setUp();
    const { code, stdout, stderr } = await run('keys', 'create', 'agent', '--view', 'support');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^difymcp_[\w-]{43}\n$/)]);
    expect(stderr).toContain('This key is not shown again.');
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain(stdout.trim());
    expect(text).toContain(keyHash(stdout.trim()));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['config.yaml', 'keys.json']);
  });

  it('lists names, views and ends, and never a key or its hash', async () => {
    const { run } = setUp();
    const before = Date.now();
    const created = await run(
      'keys',
      'create',
      'agent',
      '--view',
      'support',
      '--view',
      'default',
      '--expires',
      '90d',
      '-o',
      'json',
    );
    const { key } = created.json() as { key: string };
    await run('keys', 'create', 'second', '--view', 'research');
    const listed = await run('keys', 'list', '-o', 'json');
    const { keys } = listed.json() as { keys: { name: string; views: string[]; expires: string | null }[] };
    expect(keys.map(({ name, views }) => [name, views])).toEqual([
      ['agent', ['support', 'default']],
      ['second', ['research']],
    ]);
    const days = (Date.parse(keys[0]?.expires ?? '') - before) / 86_400_000;
    expect(Math.round(days)).toBe(90);
    expect(keys[1]?.expires).toBeNull();
    const table = await run('keys', 'list');
    expect(table.stdout).toMatch(
      /^NAME +CREATED +EXPIRES +VIEWS\nagent .* support, default\nsecond .* never +research\n$/,
    );
    for (const secret of [key, keyHash(key)]) expect(listed.stdout + table.stdout).not.toContain(secret);
  });

  it('revokes a key, and says which name was meant', async () => {
    const { file, run } = setUp();
    await run('keys', 'create', 'agent', '--view', 'support');
    const wrong = await run('keys', 'revoke', 'agnet');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean agent?')]);
    expect((await run('keys', 'revoke', 'agent')).code).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ form: 1, keys: [] });
    expect((await run('keys', 'list')).stdout).toContain('No key is stored in');
  });

  it('makes keys side by side without losing one', async () => {
    const { run } = setUp();
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(names.map((name) => run('keys', 'create', name, '--view', 'support')));
    const { keys } = (await run('keys', 'list', '-o', 'json')).json() as { keys: { name: string }[] };
    expect(keys.map(({ name }) => name).sort()).toEqual(names);
  });

  it.each([
    [['create', 'agent'], 'Configured: default, support, research.'],
    [['create', 'agent', '--view', 'suport'], 'support'],
    [['create', '../agent', '--view', 'support'], 'The name of a key'],
    [['create', 'agent', '--view', 'support', '--expires', '90'], '--expires 90d'],
    [['create', 'agent', '--view', 'support', '--expires', '0d'], '--expires 90d'],
  ])('refuses %j and writes nothing', async (argv, message) => {
    const { folder, run } = setUp();
    const { code, stderr } = await run('keys', ...argv);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(readdirSync(folder)).toEqual(['config.yaml']);
  });

  it('refuses a second key of the same name and a damaged file, and changes nothing', async () => {
    const { file, run } = setUp();
    await run('keys', 'create', 'agent', '--view', 'support');
    const before = readFileSync(file, 'utf8');
    const second = await run('keys', 'create', 'agent', '--view', 'support');
    expect([second.code, second.stderr]).toEqual([2, expect.stringContaining('A key called agent exists.')]);
    expect(readFileSync(file, 'utf8')).toBe(before);
    writeFileSync(file, 'broken');
    const third = await run('keys', 'create', 'other', '--view', 'support');
    expect([third.code, third.stderr]).toEqual([2, expect.stringContaining('are damaged')]);
    expect(readFileSync(file, 'utf8')).toBe('broken');
  });
});
