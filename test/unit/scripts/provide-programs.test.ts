import { execFile, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');

/** What the set-up needs of a machine besides the programs that a test makes up. */
const REAL = ['sh', 'chmod', 'rm'];

/** Logs what it is called with and what a service would be answered, and installs as asked. */
const APT = `#!/bin/sh
policy=none
if [ -e "$POLICY_RC_D" ]; then code=0; sh "$POLICY_RC_D" || code=$?; policy=$code; fi
echo "apt-get $* (policy $policy)" >>"$MACHINE/log"
case "$1" in install)
  for name in redis-server redis-cli chromium nginx caddy openssl promtool; do
    printf '#!/bin/sh\\n' >"$MACHINE/bin/$name"
    chmod +x "$MACHINE/bin/$name"
  done
esac
`;
const UPDATE = 'apt-get update -q (policy 101)';
const INSTALL =
  'apt-get install -y -q --no-install-recommends redis-server chromium nginx caddy openssl prometheus (policy 101)';

/** A machine with these programs and no others. */
function machine(programs: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'bin'));
  for (const name of REAL) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    symlinkSync(found, join(folder, 'bin', name));
  }
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, 'bin', name), script);
    chmodSync(join(folder, 'bin', name), 0o755);
  }
  const policy = join(folder, 'policy-rc.d');
  return {
    policy,
    provide: () => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(ROOT, 'scripts/provide-programs.mjs')],
        {
          encoding: 'utf8',
          env: { PATH: join(folder, 'bin'), MACHINE: folder, POLICY_RC_D: policy },
        },
      );
      return { status, stdout, stderr };
    },
    log: () =>
      (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '')
        .split('\n')
        .slice(0, -1),
  };
}

const PROGRAM = '#!/bin/sh\n';
const ROOT_ACCOUNT = '#!/bin/sh\necho 0\n';
const OTHER_ACCOUNT = '#!/bin/sh\nif [ "$IS_ROOT" = yes ]; then echo 0; else echo 1000; fi\n';
const SUDO = '#!/bin/sh\n[ "$1" = -n ] || exit 9\nshift\nIS_ROOT=yes exec "$@"\n';
const SUDO_WITH_PASSWORD = '#!/bin/sh\necho "sudo: a password is required" >&2\nexit 1\n';

describe('the programs of the tests', () => {
  it('are those on the PATH', () => {
    const { provide, log } = machine({
      'redis-server': PROGRAM,
      'redis-cli': PROGRAM,
      'google-chrome': PROGRAM,
      nginx: PROGRAM,
      caddy: PROGRAM,
      openssl: PROGRAM,
      promtool: PROGRAM,
      'apt-get': APT,
      id: ROOT_ACCOUNT,
    });
    expect(provide()).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(log()).toEqual([]);
  });

  it.each([
    ['root', { id: ROOT_ACCOUNT }],
    ['sudo without a password', { id: OTHER_ACCOUNT, sudo: SUDO, true: PROGRAM }],
  ])('are installed by %s, and nothing starts a service meanwhile', (_who, account) => {
    const { provide, log, policy } = machine({ 'apt-get': APT, ...account });
    expect(provide()).toEqual({
      status: 0,
      stdout: '',
      stderr: expect.stringContaining(
        'Installed redis-server, chromium, nginx, caddy, openssl and prometheus',
      ),
    });
    expect(log()).toEqual([UPDATE, INSTALL]);
    expect(existsSync(policy)).toBe(false);
    // They are there for the next run.
    expect(provide()).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it("leaves the administrator's own policy as it is", () => {
    const { provide, log, policy } = machine({ 'apt-get': APT, id: ROOT_ACCOUNT });
    writeFileSync(policy, 'exit 104\n');
    expect(provide()).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(
        'Installed redis-server, chromium, nginx, caddy, openssl and prometheus',
      ),
    });
    expect(log()).toEqual([UPDATE, INSTALL].map((line) => line.replace('101', '104')));
    expect(readFileSync(policy, 'utf8')).toBe('exit 104\n');
  });

  it.each([
    ['a system without apt-get', { id: ROOT_ACCOUNT }],
    ['an account without sudo', { 'apt-get': APT, id: OTHER_ACCOUNT }],
    [
      'an account that sudo asks for its password',
      { 'apt-get': APT, id: OTHER_ACCOUNT, sudo: SUDO_WITH_PASSWORD },
    ],
  ])('are not installed on %s, which the output says', (_what, programs) => {
    const { provide, log } = machine(programs);
    const { status, stderr } = provide();
    expect(stderr).toMatch(
      /^Missing for tests: redis-server, chromium, nginx, caddy, openssl and prometheus\. Installing takes Debian[^\n]*\n$/,
    );
    expect(status).toBe(0);
    expect(log()).toEqual([]);
  });

  it('may fail to install, which the output says', () => {
    const broken = '#!/bin/sh\necho "E: no network" >&2\nexit 100\n';
    const { provide, policy } = machine({ 'apt-get': broken, id: ROOT_ACCOUNT });
    const { status, stderr } = provide();
    expect(stderr).toBe(
      'E: no network\nMissing for tests: redis-server, chromium, nginx, caddy, openssl and prometheus. Installing failed with exit code 100.\n',
    );
    expect(status).toBe(0);
    expect(existsSync(policy)).toBe(false);
  });
});

describe.concurrent('a run of the tests without the programs', () => {
  /** Runs a file with one test for each program and one that needs none, with nothing on the PATH. */
  function run(env: Readonly<Record<string, string>>): Promise<{ code: unknown; stdout: string }> {
    const config = join(ROOT, 'test/fixtures/without-programs/vitest.config.ts');
    const args = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--config', config];
    const options = { cwd: ROOT, env: { PATH: join(ROOT, 'none'), TMPDIR: tmpdir(), ...env } };
    return new Promise((resolve) =>
      execFile(process.execPath, args, options, (error, stdout) =>
        resolve({ code: error === null ? 0 : error.code, stdout }),
      ),
    );
  }
  const skipped = (name: string, test: string, consequence = ''): string => `\
Skipped 1 test because ${name} is not installed${consequence}:
  test/fixtures/without-programs/small.test.ts > ${test}
To run them, install ${name} (on Debian: apt-get install ${name}) and run npm test again.
`;

  it('names what it skipped in its last lines', async ({ expect }) => {
    const { code, stdout } = await run({});
    const lines = skipped('redis-server', 'needs a Redis') + skipped('chromium', 'needs a browser');
    expect(stdout).toContain(`\n${lines}1 passed, 0 failed\n`);
    expect(stdout.endsWith('1 passed, 0 failed\n')).toBe(true);
    expect(code).toBe(0);
  });

  it('fails where CI is set', async ({ expect }) => {
    const { code, stdout } = await run({ CI: 'true' });
    const failure = ', which is a failure where CI is set';
    const lines =
      skipped('redis-server', 'needs a Redis', failure) + skipped('chromium', 'needs a browser', failure);
    expect(stdout).toContain(`\n${lines}1 passed, 2 failed\n`);
    expect(code).toBe(1);
  });
});
