import { spawnSync } from 'node:child_process';

/** The tag of the tests that start a Redis; they are skipped where it is not installed. */
export const REDIS_TAG = 'redis';

/** Returns whether the programs that tests of Redis start are on the PATH. */
export function hasRedis(): boolean {
  return ['redis-server', 'redis-cli'].every((name) => spawnSync(name, ['--version']).error === undefined);
}
