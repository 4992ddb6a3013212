import { defineConfig } from 'vitest/config';
import { hasRedis, REDIS_TAG } from './test/support/redis-tag.ts';

// What is awaited is awaited for as long as a slow machine may need: limits are for what hangs.
const patience = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 15_000 } } };

export default defineConfig({
  test: {
    globalSetup: './test/support/temporary-folder.ts',
    projects: ['unit', 'integration', 'e2e'].map((name) => ({
      test: { name, include: [`test/${name}/**/*.test.ts`], ...patience },
    })),
    tags: [{ name: REDIS_TAG, description: 'Starts a redis-server.', skip: !hasRedis() }],
    reporters: ['default', './scripts/count-reporter.ts'],
  },
});
