// Installs the programs that tests start, unless they are on the PATH. If one cannot be installed, the script says why and
// succeeds: the test run skips the tests that need it, and names them in its last lines.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const INSTALL = fileURLToPath(new URL('install-debian.sh', import.meta.url));
const PROGRAMS = JSON.parse(readFileSync(new URL('../test/support/programs.json', import.meta.url), 'utf8'));
/** The exit code of the installer if it lacks permission to install anything. */
const CANNOT = 69;

const isOnPath = (name) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
const isMissing = ({ needs }) => !needs.every((names) => names.some(isOnPath));
const LIST = new Intl.ListFormat('en-GB');
const namesOf = (programs) => LIST.format(programs.map((each) => each.package));

const missing = PROGRAMS.filter(isMissing);
if (missing.length > 0) {
  const packages = missing.map((each) => each.package);
  // The installer's output is not a result of this script, so it goes to standard error.
  const { status, error } = spawnSync('sh', [INSTALL, ...packages], { stdio: ['ignore', 2, 2] });
  const left = missing.filter(isMissing);
  const installed = missing.filter((each) => !left.includes(each));
  if (installed.length > 0) console.error(`Installed ${namesOf(installed)}, for tests.`);
  if (left.length > 0) {
    const cannot = status === CANNOT || error !== undefined;
    console.error(
      cannot
        ? `Missing for tests: ${namesOf(left)}. Installing takes Debian or Ubuntu, and root or sudo without a password.`
        : `Missing for tests: ${namesOf(left)}. Installing failed with exit code ${String(status)}.`,
    );
  }
}
