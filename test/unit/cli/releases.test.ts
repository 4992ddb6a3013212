import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApp } from '../../../src/app/app.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { startFront } from '../../support/front.ts';
import { CONSOLE_WAYS, type ConsoleWay, sandboxEnv } from '../../support/running-bridge.ts';
import { type CliRun, cli } from '../../support/fake-cli.ts';

/** Those between which the route of the current workspace came, changed and went. */
const RELEASES = [
  { version: '1.0.0', tools: 14 },
  { version: '1.4.1', tools: 14 },
  { version: '1.10.0', tools: 16 },
  { version: '1.10.1', tools: 16 },
  { version: '1.12.1', tools: 16 },
  { version: '1.16.1', tools: 16 },
  { version: '1.17.0', tools: 16 },
  { version: '1.17.1', tools: 16 },
] as const;
const CASES = RELEASES.flatMap((release) => CONSOLE_WAYS.map((way) => ({ ...release, way })));
const OTHER = { id: '22222222-0000-4000-8000-000000000000', name: 'Cellar', status: 'normal' };

interface Check {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly details?: readonly string[];
  readonly fix?: string;
}

async function open(version: string): Promise<Sandbox> {
  const sandbox = await createSandbox({ version });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

const home = (): string => mkdtempSync(join(tmpdir(), 'bridge-releases-'));

function run(command: readonly string[], env: Record<string, string | undefined>): Promise<CliRun> {
  return cli(command, { env: { DIFY_BRIDGE_PORT: '0', ...env }, io: { createApp } });
}

async function diagnose(env: Record<string, string | undefined>) {
  const { code, json } = await run(['doctor', '-o', 'json'], env);
  const { checks } = json() as { checks: readonly Check[] };
  return { code, check: (name: string) => checks.find((each) => each.name === name) };
}

/** The sandbox with another current workspace than the one that is configured. */
async function elsewhere(sandbox: Sandbox): Promise<string> {
  const here = { id: sandbox.credentials.workspaceId, name: 'Sandbox workspace', status: 'normal' };
  const workspaces = [
    { ...OTHER, current: true },
    { ...here, current: false },
  ];
  const front = await startFront(sandbox.url, {
    answer: ({ method, url }) =>
      method === 'GET' && url === '/console/api/workspaces'
        ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ workspaces }) }
        : undefined,
  });
  onTestFinished(() => front[Symbol.asyncDispose]());
  return front.url;
}

describe('every release of Dify', () => {
  it.each(CASES)('is set up, checked and listed: $version with the $way', async ({ version, tools, way }) => {
    const sandbox = await open(version);
    const { DIFY_WORKSPACE_ID: workspaceId, ...env } = sandboxEnv(sandbox, way);
    const HOME = home();
    const setUp = await run(['init', '-o', 'json'], { HOME, ...env });
    expect(setUp).toMatchObject({ code: 0, stderr: '' });
    expect(setUp.json()).toMatchObject({
      version,
      workspace: { id: workspaceId, name: 'Sandbox workspace', status: 'normal' },
    });

    const { code, check } = await diagnose({ HOME });
    expect(code).toBe(0);
    expect(check('workspace')).toMatchObject({
      status: 'pass',
      message: expect.stringContaining(`Sandbox workspace (${workspaceId})`),
    });
    expect(check('catalogue')?.message).toMatch(new RegExp(`^${tools} tools published`));
    expect(check('catalogue')?.details?.join('\n')).not.toContain('could not be');
  });
});

describe.each(['1.4.1', '1.12.1', '1.17.1'])('Dify %s in another workspace', (version) => {
  it.each([
    [
      'login',
      /^The account DIFY_EMAIL is in the workspace "Cellar"/,
      /Switch that account .*DIFY_WORKSPACE_ID/,
    ],
    ['admin key', /^Dify answered the admin key with the workspace "Cellar"/, /Set DIFY_WORKSPACE_ID/],
  ] as const)('fails the check of the %s, and says what to do', async (way: ConsoleWay, message, fix) => {
    const sandbox = await open(version);
    const env = { ...sandboxEnv(sandbox, way), DIFY_API_URL: await elsewhere(sandbox) };
    const { code, check } = await diagnose({ HOME: home(), ...env });
    expect(code).toBe(4);
    expect(check('workspace')).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(message),
      fix: expect.stringMatching(fix),
    });
  });

  it('is not set up for a login that would list another workspace than it runs', async () => {
    const sandbox = await open(version);
    const env = { ...sandboxEnv(sandbox, 'login'), DIFY_API_URL: await elsewhere(sandbox) };
    const refused = await run(['init'], { HOME: home(), ...env });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(
      /The account is currently in another workspace: 2{8}.*Cellar.*\nSwitch it/,
    );
  });
});

it.each(['1.4.1', '1.17.1'])('doctor names the one plugin that Dify %s cannot read', async (version) => {
  const sandbox = await open(version);
  sandbox.workspace.breakDeclaration('paperkite/studio/studio');
  const { code, check } = await diagnose({ HOME: home(), ...sandboxEnv(sandbox) });
  expect(code).toBe(0);
  const { details = [], ...catalogue } = check('catalogue') ?? {};
  expect(catalogue).toMatchObject({
    status: 'warn',
    fix: expect.stringContaining('a plugin needs a newer Dify'),
  });
  expect(details.filter((line) => line.includes('could not be'))).toEqual([
    expect.stringMatching(/^The tools of "paperkite\/studio\/studio" could not be listed: .*Failed to parse/),
  ]);
});
