// Installs the redis-server that tests start, unless it is on the PATH. If it cannot be installed, the script says why
// and succeeds: the test run skips the tests that need it, and names them in its last lines.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const INSTALL = fileURLToPath(new URL('install-debian.sh', import.meta.url));
/** The exit code of the installer if it lacks permission to install anything. */
const CANNOT = 69;

const hasRedis = () =>
  ['redis-server', 'redis-cli'].every((name) => spawnSync(name, ['--version']).error === undefined);

if (!hasRedis()) {
  // The installer's output is not a result of this script, so it goes to standard error.
  const { status, error } = spawnSync('sh', [INSTALL, 'redis-server'], { stdio: ['ignore', 2, 2] });
  if (hasRedis()) console.error('Installed redis-server, which tests start.');
  else if (status === CANNOT || error !== undefined) {
    console.error(
      'redis-server is missing and cannot be installed from here: that takes Debian or Ubuntu, and root or sudo without a password.',
    );
  } else console.error(`redis-server is missing, and installing it failed with exit code ${String(status)}.`);
}
