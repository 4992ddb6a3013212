import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app/app.ts';
import { cli, ENV } from '../../support/fake-cli.ts';

const FILE = `
tools:
  deny: ['time__*']
workspaces:
  sales:
    dify:
      apiUrl: http://sales.test
      innerApiKey: fake-inner-of-sales
      adminApiKey: fake-admin-of-sales
      workspaceId: 11111111-2222-4333-8444-555555555555
    tools:
      deny: ['workflow__*']
    views:
      clock: { allow: ['time__*'] }
`;

const path = join(mkdtempSync(join(tmpdir(), 'bridge-cli-workspaces-')), 'bridge.yaml');
writeFileSync(path, FILE);

const names = (json: unknown): string[] =>
  (json as { tools: { name: string }[] }).tools.map(({ name }) => name);

/** The command line with the real bridge, where each workspace is a sandbox. */
const real = (...argv: string[]) =>
  cli([...argv, '--sandbox', '--config', path], { env: { HOME: ENV.HOME }, io: { createApp } });

describe('--workspace', () => {
  it('chooses the tools and the rules of that workspace', async () => {
    const main = names((await real('tools', 'list', '-o', 'json')).json());
    const sales = names((await real('tools', 'list', '--workspace', 'sales', '-o', 'json')).json());
    expect(main.some((name) => name.startsWith('workflow__'))).toBe(true);
    expect(main).not.toContain('time__weekday');
    expect(sales).toContain('time__weekday');
    expect(sales.some((name) => name.startsWith('workflow__'))).toBe(false);
    const args = ['tools', 'list', '--workspace', 'sales', '--view', 'clock', '-o', 'json'];
    expect(names((await real(...args)).json()).every((name) => name.startsWith('time__'))).toBe(true);
  });

  it('is in the paths that explain a rule', async () => {
    const { stdout } = await real('tools', 'explain', 'workflow__text_report', '--workspace', 'sales');
    expect(stdout).toContain('Rule workspaces.sales.tools.deny: "workflow__*" matches');
  });

  it('refuses a name that the file does not have', async () => {
    const { code, stderr } = await real('tools', 'list', '--workspace', 'sale');
    expect([code, stderr]).toEqual([2, expect.stringContaining('The workspaces are default, sales.')]);
  });
});

it('config show masks the secrets of every workspace', async () => {
  const { stdout } = await cli(['config', 'show', '--config', path, '-o', 'json'], { env: ENV });
  expect(stdout).toContain('http://sales.test');
  expect(stdout).not.toMatch(/fake-(inner|admin)-of-sales/);
});
