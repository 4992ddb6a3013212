// Signs in at the bridge with two Dify accounts and the OAuth clients that people use: those of the Python SDK, of both
// eras, and that of Claude Code. They are installed into .cache/interop; only the first run needs PyPI and npm.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../.cache/interop', import.meta.url));
const PYTHON_SDKS = ['1.30.0', '2.3.0'];
const CLAUDE_CODE = '2.1.197';

mkdirSync(CACHE, { recursive: true });
const pythons = PYTHON_SDKS.map((version) => {
  const folder = join(CACHE, `mcp-${version}`);
  const python = join(folder, 'bin', 'python');
  if (!existsSync(python)) {
    run('python3', ['-m', 'venv', folder]);
    run(python, ['-m', 'pip', 'install', '--quiet', `mcp==${version}`]);
  }
  return python;
});
const claude = join(CACHE, `claude-code-${CLAUDE_CODE}`);
if (!existsSync(claude)) {
  run('npm', ['install', '--silent', '--prefix', claude, `@anthropic-ai/claude-code@${CLAUDE_CODE}`]);
}
const { status } = spawnSync('npx', ['vitest', 'run', '--config', 'scripts/interop/vitest.config.ts'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    INTEROP_PYTHONS: pythons.join(':'),
    INTEROP_CLAUDE: join(claude, 'node_modules', '.bin', 'claude'),
  },
});
process.exit(status ?? 1);

function run(command, args) {
  const { status: code } = spawnSync(command, args, { stdio: 'inherit' });
  if (code === 0) return;
  console.error(`interop: ${[command, ...args].join(' ')} failed.`);
  process.exit(1);
}
