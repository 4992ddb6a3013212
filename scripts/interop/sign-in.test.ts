import { execFile, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { FormBrowser } from '../../test/support/form-browser.ts';
import { startSignInBridge } from '../../test/support/signed-in-bridge.ts';
import { allow } from '../../test/support/test-auth.ts';

const PYTHONS = (process.env['INTEROP_PYTHONS'] ?? '').split(':');
const CLAUDE = process.env['INTEROP_CLAUDE'] ?? '';

/** Whether the bridge listed the tools as this account. */
const wasAsked = ({ requests }: Sandbox): boolean =>
  requests.some(({ path }) => path.startsWith('/console/api/workspaces/current/tools/'));

it.each(PYTHONS)('two accounts sign in with the Python SDK in %s and see their own tools', async (python) => {
  const { url, ada, bob } = await startSignInBridge();
  const names: string[][] = [];
  for (const { credentials } of [ada, bob]) {
    const child = spawn(python, ['scripts/interop/sign_in.py', url], { stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const line of createInterface(child.stdout)) {
      if (line.startsWith('OPEN ')) {
        const led = await allow(new URL(line.slice('OPEN '.length)), credentials);
        child.stdin.write(`${led.href}\n`);
      } else if (line.startsWith('TOOLS ')) names.push(JSON.parse(line.slice('TOOLS '.length)) as string[]);
    }
  }
  const [adas, bobs] = names;
  expect(adas).toContain('time__weekday');
  expect(bobs).toContain('paperkite_samples__give_bytes');
  expect(bobs).not.toContain('time__weekday');
});

it('two accounts sign in with Claude Code', async () => {
  // It describes itself by an address on the internet, which tests do not reach.
  const { url, ada, bob } = await startSignInBridge({ DIFY_BRIDGE_SIGN_IN_CLIENT_DOCUMENTS: 'false' });
  for (const [sandbox, asked] of [
    [ada, [true, false]],
    [bob, [true, true]],
  ] as const) {
    const home = mkdtempSync(join(tmpdir(), 'claude-'));
    const options = {
      cwd: home,
      env: { PATH: process.env['PATH'] ?? '', HOME: home, CLAUDE_CONFIG_DIR: home },
    };
    const claude = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)(CLAUDE, ['mcp', ...args], options)).stdout;
    await claude('add', '--scope', 'user', '--transport', 'http', 'dify', url);
    expect(await claude('list')).toContain('Needs authentication');
    // It signs in only at a terminal.
    const command = `stty cols 4000; '${CLAUDE}' mcp login dify --no-browser`;
    const child = spawn('script', ['-qfec', command, '/dev/null'], {
      ...options,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let shown = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      const before = askedIn(shown);
      shown += String(chunk);
      const address = askedIn(shown);
      if (before !== undefined || address === undefined) continue;
      const callback = address.searchParams.get('redirect_uri') ?? '';
      const led = await allow(address, sandbox.credentials, new FormBrowser((to) => to.startsWith(callback)));
      child.stdin.write(`${led.href}\r`);
    }
    expect(shown).toContain('Authenticated with "dify"');
    expect(await claude('list')).toContain('Connected');
    expect([ada, bob].map(wasAsked)).toEqual(asked);
  }
});

/** Returns the address that the browser is to open, once all of it is there. */
function askedIn(shown: string): URL | undefined {
  // oxlint-disable-next-line no-control-regex -- what a terminal gets has control characters
  const found = /(http:\/\/[^\s\x1b\x07]*\/oauth\/authorize\?[^\s\x1b\x07]+)[\s\x1b\x07]/.exec(shown)?.[1];
  return found === undefined ? undefined : new URL(found);
}
