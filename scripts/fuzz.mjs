// Runs every property test for a number of rounds (`npm run fuzz -- 20`), each round with cases of its own.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const rounds = Number(process.argv[2] ?? 5);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error('fuzz: expected the number of rounds, such as npm run fuzz -- 20');
  process.exit(2);
}

const files = readdirSync('test', { recursive: true })
  .map((name) => join('test', name))
  .filter(
    (path) => path.endsWith('.test.ts') && readFileSync(path, 'utf8').includes('support/fast-check.ts'),
  );
if (files.length === 0) {
  console.error('fuzz: no property test was found');
  process.exit(1);
}

for (let round = 1; round <= rounds; round += 1) {
  console.log(`round ${round} of ${rounds}, ${files.length} files`);
  const { status } = spawnSync('npx', ['vitest', 'run', ...files], {
    env: { ...process.env, FUZZ_SEED: 'random' },
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(1);
}
