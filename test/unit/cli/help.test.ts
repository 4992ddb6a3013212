import { describe, expect, it } from 'vitest';
import { settingsTable } from '../../../src/config/settings.ts';
import { ERROR_RULES } from '../../../src/model/errors.ts';
import { cli } from '../../support/fake-cli.ts';

describe('help on', () => {
  it('the environment names every variable, its setting and its default', async () => {
    const { code, stdout } = await cli(['help', 'environment']);
    expect(code).toBe(0);
    for (const { env, path, secret } of settingsTable()) {
      if (env === undefined) continue;
      expect(stdout).toContain(env);
      expect(stdout).toContain(`Setting ${path}`);
      expect(stdout.includes(`${env}_FILE`)).toBe(secret === true);
    }
    const { settings } = (await cli(['help', 'environment', '-o', 'json'])).json() as {
      settings: { variable: string }[];
    };
    expect(settings.map(({ variable }) => variable)).toContain('DIFY_BRIDGE_PORT');
  });

  it('exit codes names every error once', async () => {
    const { stdout } = await cli(['help', 'exit-codes']);
    const codes = Object.keys(ERROR_RULES);
    for (const code of codes)
      expect(stdout.match(new RegExp(`(?<![a-z_])${code}(?![a-z_])`, 'g'))).toHaveLength(1);
    const exits = new Set(Object.values(ERROR_RULES).map(({ exit }) => exit));
    for (const exit of exits) expect(stdout).toMatch(new RegExp(`^ *${exit} {2}\\S`, 'm'));
  });

  it('troubleshooting says what each error means', async () => {
    const { stdout } = await cli(['help', 'troubleshooting']);
    const text = stdout.replaceAll(/\s+/g, ' ').replaceAll('npx dify-mcp-bridge', 'dify-mcp-bridge');
    for (const [code, { meaning }] of Object.entries(ERROR_RULES)) {
      expect(text).toContain(`${code} (exit code`);
      expect(text).toContain(meaning);
    }
    expect((await cli(['help', 'troubleshooting', '-o', 'json'])).json()).toEqual(ERROR_RULES);
  });

  it.each(['environment', 'exit-codes', 'troubleshooting'])(
    '%s starts with an example and fits a terminal',
    async (topic) => {
      const { stdout } = await cli(['help', topic]);
      expect(stdout).toMatch(/^Example:\n {2}\S/);
      expect(stdout.split('\n').filter((line) => line.length > 110)).toEqual([]);
    },
  );

  it('a command is what --help prints', async () => {
    expect((await cli(['help', 'tools', 'list'])).stdout).toBe(
      (await cli(['tools', 'list', '--help'])).stdout,
    );
    expect((await cli(['help'])).stdout).toBe((await cli(['--help'])).stdout);
  });

  it.each([
    [['help', 'enviroment'], 'Did you mean environment?'],
    [['help', 'tols'], 'Did you mean tools?'],
    [['help', 'tools', 'shw'], 'Did you mean show?'],
    [['help', 'zzzzzz'], 'and on environment, exit-codes, troubleshooting.'],
  ])('anything else is refused: %j', async (argv, hint) => {
    const run = await cli(argv);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(hint);
  });
});
