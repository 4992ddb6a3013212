// Installs what `npm run interop` needs into .cache/interop. Only the first run needs the registries.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));
export const CACHE = pathOf('../../.cache/interop');
const UV = 'uv==0.13.9';
export const NO_PYTHON =
  'Python 3.11 or later with its venv module is missing (Debian: apt-get install python3-venv)';

/** Returns the command of a Python that can make environments, or undefined. */
export function findPython() {
  return ['python3', 'python'].find((name) =>
    succeeds(name, ['-c', 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))']),
  );
}

/** Installs an environment unless it is there already, and returns its Python. */
export function installPython(requirements) {
  const list = pathOf(requirements);
  const hash = createHash('sha256').update(readFileSync(list)).digest('hex').slice(0, 12);
  const folder = join(CACHE, `${requirements.replace('.txt', '')}-${hash}`);
  const own = join(folder, 'bin', 'python');
  return once(folder, own, () => {
    const python = findPython();
    const tools = join(CACHE, UV.replace('==', '-'));
    if (!existsSync(join(tools, 'bin', 'uv'))) {
      run(python, ['-m', 'venv', tools]);
      run(join(tools, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', UV]);
    }
    const uv = join(tools, 'bin', 'uv');
    run(uv, ['venv', '--quiet', '--clear', '--no-python-downloads', '--python', python, folder]);
    run(uv, ['pip', 'sync', '--quiet', '--python', own, list]);
  });
}

/**
 * Installs an npm package unless it is there already, and returns the folder to resolve it from. `scripts`: with the
 * package's own scripts, which some programs need.
 */
export function installPackage(name, version, { scripts = false } = {}) {
  const folder = join(CACHE, `${name.replace(/\W+/g, '-')}-${version}`);
  return once(folder, folder, () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const flags = ['--prefix', folder, '--no-audit', '--no-fund', '--silent'];
    if (!scripts) flags.push('--ignore-scripts');
    run('npm', ['install', ...flags, `${name}@${version}`]);
  });
}

/** Builds the Go clients or another Go program, and returns it. The Go tools know what has changed. */
export function buildGo(source = pathOf('clients/go'), name = 'interop-go') {
  const program = join(CACHE, name);
  run('go', ['build', '-o', program, '.'], { cwd: source });
  return program;
}

/** Builds the Rust client, and returns the program. The Rust tools know what has changed. */
export function buildRust() {
  const target = join(CACHE, 'rust');
  run('cargo', ['build', '--locked', '--quiet', '--target-dir', target], { cwd: pathOf('clients/rust') });
  return join(target, 'debug', 'interop-rmcp');
}

function once(folder, result, install) {
  const mark = join(folder, 'complete');
  if (!existsSync(mark)) {
    install();
    writeFileSync(mark, '');
  }
  return result;
}

export function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Throws if a command fails. */
function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options });
  if (status !== 0) throw error ?? new Error(`${[command, ...args].join(' ')} failed`);
}
