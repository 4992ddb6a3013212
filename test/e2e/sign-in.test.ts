import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { run, start } from '../support/program.ts';
import { connectSignedIn } from '../support/test-auth.ts';
import { SIGN_IN_KEY } from '../support/signed-in-bridge.ts';
import { startSharedDify } from '../support/two-accounts.ts';

it('the program serves everybody with an account, and writes nothing but its log', async () => {
  const dify = await startSharedDify({ ada: 'demo', bob: 'files' });
  const port = String(await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'bridge-sign-in-'));
  const env = {
    DIFY_URL: dify.url,
    DIFY_BRIDGE_PORT: port,
    DIFY_BRIDGE_PUBLIC_URL: `http://127.0.0.1:${port}`,
    DIFY_BRIDGE_SIGN_IN_KEY: SIGN_IN_KEY,
    DIFY_BRIDGE_FILES_DIR: folder,
    DIFY_BRIDGE_FILES_STORE: 'directory',
    DIFY_BRIDGE_LOG_LEVEL: 'debug',
    XDG_CACHE_HOME: join(folder, 'cache'),
  };
  // From here on, the program runs from stored code, which loads other files in its own way.
  await run(['serve', '--sandbox'], { env });
  expect(readdirSync(join(folder, 'cache/dify-mcp-bridge/code'))).toHaveLength(1);
  const doctor = await run(['doctor', '-o', 'json'], { env });
  expect(doctor.stdout).toContain('with a password');
  expect(doctor.code).toBe(0);
  await using program = start(['serve', '--http', '-o', 'json'], { env });
  const [line] = await program.match('stdout', /^.*\n/);
  const { url } = JSON.parse(line) as { url: string };
  for (const [name, tool] of [
    ['ada', 'time__weekday'],
    ['bob', 'paperkite_samples__give_bytes'],
  ] as const) {
    const account = dify.accounts[name];
    if (account === undefined) throw new Error(name);
    const client = await connectSignedIn('v2 pinned', url, account.credentials);
    expect((await client.listPage()).tools.map((one) => one.name)).toContain(tool);
    await client.close();
  }
  program.child.kill('SIGTERM');
  const { code, stdout, stderr } = await program.ended;
  expect(code).toBe(0);
  expect(stdout).toBe(line);
  for (const text of stderr.trim().split('\n')) expect(() => JSON.parse(text) as unknown, text).not.toThrow();
  for (const { credentials } of Object.values(dify.accounts)) {
    expect(stderr).not.toContain(credentials.password);
    expect(stderr).not.toContain(credentials.email);
  }
  expect(stderr).not.toContain(SIGN_IN_KEY);
});
