import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApp } from '../../../src/app/app.ts';
import type { CredentialAccess } from '../../../src/sandbox/workspace.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { cli } from '../../support/fake-cli.ts';
import { CONSOLE_WAYS, type ConsoleWay, sandboxEnv } from '../../support/running-bridge.ts';

const POSTBOX = 'paperkite/postbox/postbox';
const LETTER = 'paperkite_postbox__send_letter';
const HIDDEN =
  /It prefers a private one of another member, which it does not list, if that is the default or older\./;

async function open(version: string): Promise<Sandbox> {
  const sandbox = await createSandbox({ version });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** What both commands say about the credential of the postbox. */
async function said(sandbox: Sandbox, way: ConsoleWay = 'admin key', preset = '') {
  const home = mkdtempSync(join(tmpdir(), 'bridge-credentials-'));
  const file = join(home, 'bridge.yaml');
  writeFileSync(file, `tools: { presets: { ${LETTER}: { ${preset} } } }\n`);
  const env = { HOME: home, DIFY_BRIDGE_PORT: '0', DIFY_BRIDGE_CONFIG: file, ...sandboxEnv(sandbox, way) };
  const run = (command: readonly string[]) => cli([...command, '-o', 'json'], { env, io: { createApp } });
  const explained = (await run(['tools', 'explain', LETTER])).json() as { lines: readonly string[] };
  const { checks } = (await run(['doctor'])).json() as {
    checks: readonly { name: string; status: string; message: string; details?: readonly string[] }[];
  };
  return {
    line: explained.lines.find((line) => line.startsWith('Calls use')),
    check: checks.find(({ name }) => name === 'credentials'),
  };
}

describe('the credential that calls use', () => {
  it.each(CONSOLE_WAYS)('is the default one, with its visibility: %s', async (way) => {
    const sandbox = await open('1.17.1');
    sandbox.workspace.authorize(POSTBOX, 'Office');
    sandbox.workspace.authorize(POSTBOX, 'Spare');
    const { line, check } = await said(sandbox, way);
    expect(line).toMatch(
      /^Calls use the credential "Office" \(visible to all members\), because Dify takes the default one, else the oldest\./,
    );
    expect(line).toMatch(HIDDEN);
    expect(check).toMatchObject({
      status: 'pass',
      message: 'Every client uses 1 credential of this workspace.',
      details: [`${POSTBOX}: ${line}`],
    });
  });

  const PRIVATE: [CredentialAccess, RegExp][] = [
    [{ visibility: 'only_me' }, /"Mine" \(private to the member who added it\)/],
    [{ visibility: 'partial_members' }, /"Mine" \(visible to some members\)/],
    [{ isForeign: true }, /does not list for this account: it is private to another member\.$/],
  ];
  it.each(PRIVATE)('is a warning if it is private: %j', async (access, says) => {
    const sandbox = await open('1.17.1');
    sandbox.workspace.authorize(POSTBOX, 'Mine', access);
    const { line, check } = await said(sandbox);
    expect(line).toMatch(says);
    expect(check).toMatchObject({ status: 'warn', details: [`${POSTBOX}: ${line}`] });
  });

  it('is the one that a preset names', async () => {
    const sandbox = await open('1.17.1');
    sandbox.workspace.authorize(POSTBOX, 'Office');
    const id = sandbox.workspace.authorize(POSTBOX, 'Spare', { visibility: 'only_me' });
    const { line, check } = await said(sandbox, 'admin key', 'credential: Spare');
    expect(line).toBe(
      'Calls use the credential "Spare" (private to the member who added it), as its preset says.',
    );
    expect(check?.status).toBe('warn');
    sandbox.workspace.revoke(POSTBOX);
    sandbox.workspace.authorize(POSTBOX, 'Office');
    const gone = await said(sandbox, 'admin key', `credentialId: ${id}`);
    expect(gone.line).toBe(
      `Calls use the credential ${id} of the preset, which Dify does not list for this account: it was deleted, or is private to another member.`,
    );
  });

  it('has no visibility before Dify 1.15, and is not known before 1.7', async () => {
    const sandbox = await open('1.14.2');
    sandbox.workspace.authorize(POSTBOX, 'Office');
    const { line } = await said(sandbox);
    expect(line).toBe(
      'Calls use the credential "Office", because Dify takes the default one, else the oldest.',
    );
    const old = await open('1.6.0');
    old.workspace.authorize(POSTBOX, 'Office');
    expect(await said(old)).toEqual({ line: undefined, check: undefined });
  });

  it('is not spoken of where none is needed, or none is there', async () => {
    expect((await said(await open('1.17.1'))).check).toBeUndefined();
  });
});
